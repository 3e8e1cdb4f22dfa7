"""The stand-in's HTTP server.

POST /v1/responses          an answer, whole or as server-sent events
POST /v1/chat/completions   the same, for projects that use the older API
GET  /v1/requests           all POST requests so far, as JSON: a list of {path, status,
                            input, model, stream, answer, time}, including refused
                            requests. Only requests with the status 200 have a
                            time: that of the answer, in seconds since 1970.
GET  /                      this text, and the list of the simulations
"""

import json
import re
import select
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tutorial.standin import STAND_IN_KEY, completions, responses, simulations
from tutorial.standin.passages import Library
from tutorial.standin.simulations import Simulation

NOTE = (
    "This is the offline stand-in, not a language model: it answers with the passage of"
    " the tutorial that fits best (here {source}). Set OPENAI_API_KEY for the real API."
)
NO_PASSAGE = (
    "The offline stand-in found no passage of this tutorial about that. It is not a"
    " language model: ask it about a broker, a worker, a signal, a group or a consumer,"
    " or set OPENAI_API_KEY for the real API."
)
# For each path: the class of the answer, and the key of the question in a request.
APIS = {
    "/v1/responses": (responses.Answer, "input"),
    "/v1/chat/completions": (completions.Answer, "messages"),
}
FIRST_EVENTS = 2  # the number of events before the silence of `simulate: thinking`
LARGEST_BODY = 1_000_000  # bytes
LONGEST_SILENCE = 900.0  # seconds: longer than the timeout of any client
SLOW = 10.0  # seconds before a slow answer begins
THINKING = 25.0  # seconds between the beginning of a stream and its first word


Answer = responses.Answer | completions.Answer


class StandIn(ThreadingHTTPServer):
    """The server. `latency`, `pace` and `thinking` are times in seconds.

    It waits `latency` before an answer, and `pace` between the words of a stream. For
    `simulate: thinking`, the stream is silent for the time `thinking` before its first
    word. With `numbered`, an answer begins with the number of its question and has no
    note. So two answers differ even if they contain the same passage.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        port: int,
        library: Library,
        latency: float,
        pace: float,
        thinking: float = THINKING,
        numbered: bool = False,
    ) -> None:
        self.library = library
        self.latency = latency
        self.pace = pace
        self.thinking = thinking
        self.numbered = numbered
        self.requests: list[dict] = []
        self.asked: Counter[str] = Counter()
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Log an error, unless the client closed the connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Broken(Exception):
    """Raised when a simulation breaks the connection."""


class Handler(BaseHTTPRequestHandler):
    """Handles the requests of one connection."""

    protocol_version = "HTTP/1.1"
    # Headers and body are sent separately. Nagle's algorithm would delay the body.
    disable_nagle_algorithm = True
    server: StandIn
    record: dict  # the current POST request, as GET /v1/requests lists it

    def do_GET(self) -> None:
        """Describe the stand-in, or list the requests so far."""
        if self.path == "/v1/requests":
            self._send(200, json.dumps(self.server.requests).encode())
        elif self.path == "/":
            text = f"{__doc__}\nEach of these questions simulates a failure:\n\n"
            text += simulations.listing() + "\n"
            self._send(200, text.encode(), "text/plain; charset=utf-8")
        else:
            self.record = {}
            self._fail(404, "invalid_request_error", None, f"No such path: {self.path}")

    def do_POST(self) -> None:
        """Answer a request to one of the APIs."""
        self.record = {"path": self.path, "status": 0, "input": "", "answer": ""}
        self.server.requests.append(self.record)
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 < length <= LARGEST_BODY:
            self.close_connection = True
            text = f"The body must have 1 to {LARGEST_BODY} bytes."
            return self._fail(400, "invalid_request_error", None, text)
        body = self.rfile.read(length)
        if self.path not in APIS:
            text = f"No such path: {self.path}"
            return self._fail(404, "invalid_request_error", None, text)
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not looks_like_a_key(key):
            text = "Incorrect API key provided."
            return self._fail(401, "invalid_request_error", "invalid_api_key", text)
        make, place = APIS[self.path]
        try:
            request = json.loads(body)
            question = last_question(request[place])
            if not isinstance(request["model"], str):
                raise TypeError
        except (ValueError, KeyError, TypeError, IndexError):
            text = f'The body must be JSON with "model" and "{place}".'
            return self._fail(400, "invalid_request_error", None, text)
        return self._answer(request, question, make)

    def _answer(
        self, request: dict, question: str, make: Callable[..., Answer]
    ) -> None:
        streams = bool(request.get("stream"))
        self.record |= {"input": question, "model": request["model"]}
        self.record["stream"] = streams
        self.server.asked[question] += 1
        simulation = simulations.find(question) or Simulation("", "")
        again = simulation.behaviour == "once" and self.server.asked[question] > 1
        again = again or (simulation.behaviour == "whole" and not streams)
        if simulation.status != 200 and not again:
            return self._fail(
                simulation.status,
                simulation.type,
                simulation.code,
                simulation.message,
                simulation.param,
                simulation.headers,
            )
        if simulation.behaviour == "silence":
            return self._stay_silent()
        time.sleep(SLOW if simulation.behaviour == "slow" else self.server.latency)
        text = simulation.text or self._look_up(question)
        self.record |= {"status": 200, "answer": text, "time": time.time()}
        refusal = simulation.behaviour == "refusal"
        answer = make(request, text, refusal=refusal)
        try:
            if streams:
                self._stream(answer, simulation.behaviour)
            else:
                self._send_whole(answer, simulation.behaviour)
        except Broken:
            self.close_connection = True
        return None

    def _look_up(self, question: str) -> str:
        passage = self.server.library.best(question)
        text = passage.text if passage else NO_PASSAGE
        if self.server.numbered:
            number = list(self.server.asked).index(question) + 1
            return f"Answer {number}: {text}"
        if passage is None:
            return text
        return f"{text}\n\n{NOTE.format(source=passage.source)}"

    def _send_whole(self, answer: Answer, behaviour: str) -> None:
        body = json.dumps(answer.whole()).encode()
        if behaviour in ("cut", "stall"):
            self._start(200, "application/json", ("Content-Length", str(len(body))))
            self.wfile.write(body[: len(body) // 2])
            self._break_off(behaviour)
        self._send(200, body)

    def _stream(self, answer: Answer, behaviour: str) -> None:
        self._start(200, "text/event-stream", ("Transfer-Encoding", "chunked"))
        events = list(answer.events())
        for number, event in enumerate(events):
            if behaviour in ("cut", "stall") and number == len(events) // 2:
                self._break_off(behaviour)
            if number == len(events) - 1 and behaviour == "no end":
                break
            if behaviour == "think" and number == FIRST_EVENTS:
                time.sleep(self.server.thinking)
            self._send_event(event)
            if "delta" in event or "choices" in event:
                time.sleep(self.server.pace)
        else:
            if "choices" in event:
                self._write_chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _send_event(self, event: dict) -> None:
        name = f"event: {event['type']}\n" if "type" in event else ""
        self._write_chunk(f"{name}data: {json.dumps(event)}\n\n".encode())

    def _write_chunk(self, text: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))

    def _break_off(self, behaviour: str) -> None:
        if behaviour == "stall":
            self._stay_silent()
        raise Broken

    def _stay_silent(self) -> None:
        """Send nothing until the client closes the connection."""
        select.select([self.connection], [], [], LONGEST_SILENCE)
        self.close_connection = True

    def _fail(
        self,
        status: int,
        type_: str,
        code: str | None,
        message: str,
        param: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.record["status"] = status
        body = json.dumps(responses.error(type_, code, message, param)).encode()
        self._send(status, body, "application/json", *headers)

    def _send(
        self,
        status: int,
        body: bytes,
        content_type: str = "application/json",
        *headers: tuple[str, str],
    ) -> None:
        length = ("Content-Length", str(len(body)))
        self._start(status, content_type, length, *headers)
        self.wfile.write(body)

    def _start(self, status: int, content_type: str, *headers: tuple[str, str]) -> None:
        self.send_response(HTTPStatus(status))
        self.send_header("Content-Type", content_type)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log the request line and the status. Omit the headers: they hold the key."""
        status = code.value if isinstance(code, HTTPStatus) else code
        # Write the line end with the line: other threads print, too.
        print(f"{self.command} {self.path} {status}\n", end="", flush=True)


def looks_like_a_key(key: str) -> bool:
    """Whether the key is the stand-in's own, or has the format of OpenAI's keys.

    A placeholder such as "your-api-key" is refused, as the real API would refuse it.
    """
    return key == STAND_IN_KEY or re.fullmatch(r"sk-[\w-]{20,}", key) is not None


def last_question(given: str | list) -> str:
    """Return the text of the last message in a request.

    `given` is the question itself, or a list of messages. The content of a message is a
    string, or a list of parts. Raises TypeError, KeyError or IndexError if `given` has
    a different form.
    """
    if isinstance(given, str):
        return given
    content = given[-1]["content"]
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content)
