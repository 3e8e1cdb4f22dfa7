"""The API of the benchmark: it gives each question the same answer, at a set pace.

    POST /v1/responses   the answer, whole or as server-sent events
    POST /pace           {"latency": seconds before the answer,
                          "pause": seconds between its words}
    GET  /figures        {"requests": number so far,
                          "first_tokens": {question: time in seconds}}

It implements the part of the Responses API that the projects use. It builds its answers
before the first request, so that the time to build them is not measured. The time of a
first token is read from CLOCK_MONOTONIC, which all processes of a machine share.

Start it with `python -m tutorial.bench.api PORT`.
"""

import asyncio
import itertools
import json
import sys
import time

from tutorial.standin import responses

TEXT = "The broker keeps each message until a worker has taken it and done the work."

DELTA = "response.output_text.delta"


def _head(content_type: str, more: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{more}\r\n\r\n".encode()


def _whole(data: object) -> bytes:
    body = json.dumps(data).encode()
    return _head("application/json", f"Content-Length: {len(body)}") + body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(event: dict) -> bytes:
    return _chunk(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())


_answer = responses.Answer({"model": "bench"}, TEXT)
_events = list(_answer.events())
WHOLE = _whole(_answer.whole())
STREAM_HEAD = _head("text/event-stream", "Transfer-Encoding: chunked")
# The events before the first word, the words, and the events after the last word.
BEGIN = STREAM_HEAD + b"".join(
    map(_event, itertools.takewhile(lambda event: event["type"] != DELTA, _events))
)
WORDS = [_event(event) for event in _events if event["type"] == DELTA]
END = b"".join(map(_event, _events[-4:])) + _chunk(b"")
AT_ONCE = BEGIN + b"".join(WORDS) + END


class Api:
    """The state that all connections share."""

    def __init__(self) -> None:
        self.latency = 0.0  # seconds
        self.pause = 0.0  # seconds
        self.requests = 0
        self.first_tokens: dict[str, float] = {}  # seconds, by question
        self.answering: set[asyncio.Task] = set()

    def receive(self, path: str, body: bytes, transport: asyncio.Transport) -> None:
        """Answer the request, at once or after the latency."""
        if path == "/v1/responses":
            self.requests += 1
            request = json.loads(body)
            if self.latency or self.pause:
                task = asyncio.create_task(self._answer_later(request, transport))
                self.answering.add(task)
                task.add_done_callback(self.answering.discard)
            elif request.get("stream"):
                self.first_tokens[request["input"]] = time.monotonic()
                transport.write(AT_ONCE)
            else:
                transport.write(WHOLE)
        elif path == "/pace":
            pace = json.loads(body)
            self.latency, self.pause = pace["latency"], pace["pause"]
            transport.write(_whole({}))
        else:
            figures = {"requests": self.requests, "first_tokens": self.first_tokens}
            transport.write(_whole(figures))

    async def _answer_later(self, request: dict, transport: asyncio.Transport) -> None:
        await asyncio.sleep(self.latency)
        if not request.get("stream"):
            transport.write(WHOLE)
            return
        transport.write(BEGIN)
        self.first_tokens[request["input"]] = time.monotonic()
        for word in WORDS:
            transport.write(word)
            await asyncio.sleep(self.pause)
        transport.write(END)


class Connection(asyncio.Protocol):
    """A client's connection. It passes each complete request on to the `Api`."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._received = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Keep the transport for the responses."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Handle the requests that have arrived completely."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n") + 4) > 3:
            line, *headers = self._received[:end].decode("latin-1").split("\r\n")
            lengths = (
                h[15:] for h in headers if h.lower().startswith("content-length:")
            )
            length = int(next(lengths, "0"))
            if len(self._received) < end + length:
                return
            body = self._received[end : end + length]
            self._received = self._received[end + length :]
            self._api.receive(line.split(" ")[1], body, self._transport)


async def serve(port: int) -> None:
    """Serve on 127.0.0.1 until the process ends."""
    api = Api()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(api), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
