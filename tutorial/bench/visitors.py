"""Visitors of the measured programs. They do what a page does, without a browser.

A visitor opens the page and its socket, submits questions, and stores the time at which
the frames about each question arrived.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Mapping

from tutorial.bench.client import (
    PATIENCE,
    Http,
    NoAnswer,
    Response,
    WebSocket,
    open_socket,
)
from tutorial.visitor.visitor import Form, Page

SOCKET_PATH = "/ws/search/"


class Moments:
    """For each question, the time at which the first frame of a kind arrived.

    The times are in seconds, as in `time.monotonic`.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._futures = defaultdict[str, asyncio.Future[float]](loop.create_future)

    def note(self, question: str, moment: float) -> None:
        """Store the time of a frame about the question, if it is the first one."""
        if not self._futures[question].done():
            self._futures[question].set_result(moment)

    async def of(self, question: str, patience: float = PATIENCE) -> float:
        """Wait for the first frame, and return its time.

        Raises NoAnswer if none arrives within `patience` seconds.
        """
        try:
            async with asyncio.timeout(patience):
                return await self._futures[question]
        except TimeoutError as error:
            raise NoAnswer(f"no frame about {question!r}") from error


class Visitor:
    """The base class of all visitors. Each visitor has a different `number`."""

    def __init__(self, url: str, number: int) -> None:
        self.url = url
        self.number = number
        self.http = Http(url)
        self.socket: WebSocket | None = None
        self.answers = Moments()  # for the frames with a whole answer
        self.first_chunks = Moments()
        # Called with each frame and the time of its arrival, in seconds.
        self.on_frame: Callable[[dict, float], None] = self.read

    async def open(self) -> None:
        """Load the page."""
        raise NotImplementedError

    async def submit(self, question: str) -> None:
        """Send the question. Raises NoAnswer if it is not accepted."""
        raise NotImplementedError

    def read(self, frame: dict, moment: float) -> None:
        """Store the time of a frame."""
        raise NotImplementedError

    async def connect(self) -> None:
        """Open the page's socket."""
        self.socket = await open_socket(
            self.url, self.socket_path, self.cookie_header, self._on_text
        )

    @property
    def socket_path(self) -> str:
        """The path of the socket, with its query string."""
        return SOCKET_PATH

    @property
    def cookie_header(self) -> str:
        """The value of the `Cookie` header."""
        return ""

    def leave(self) -> None:
        """Close the page."""
        self.http.close()
        if self.socket:
            self.socket.close()

    def _on_text(self, text: bytes, moment: float) -> None:
        self.on_frame(json.loads(text), moment)


class FloorVisitor(Visitor):
    """A visitor of the minimal program in `floor`, which has no page and no login."""

    async def open(self) -> None:
        """Do nothing: the minimal program has no page."""

    async def submit(self, question: str) -> None:
        """Send the question."""
        path = f"/?user={self.number}"
        response = await self.http.request("POST", path, body=question.encode())
        if response.status != 202:
            raise NoAnswer(f"the POST was answered with {response.status}")
        self.task_id = response.body.decode()

    def read(self, frame: dict, moment: float) -> None:
        """Store the time of an answer, or of its first word."""
        kind = self.answers if "answer" in frame else self.first_chunks
        kind.note(frame["query"], moment)

    async def poll(self) -> bool:
        """Ask the minimal program whether the last question has an answer."""
        response = await self.http.request("GET", f"/?task={self.task_id}")
        return response.status == 200

    @property
    def socket_path(self) -> str:
        """The path of the socket, with its query string."""
        return f"{SOCKET_PATH}?user={self.number}"


class PageVisitor(Visitor):
    """A visitor of a step or of final/, who sends the form like the page's script."""

    # The `Accept` header of the script's `fetch`.
    accepts = "*/*"

    def __init__(self, url: str, number: int) -> None:
        super().__init__(url, number)
        self._cookies: dict[str, str] = {}
        self._form = Form("")
        self.questions: dict[str, str] = {}  # by task id

    async def open(self) -> None:
        """Load the page, and keep its form."""
        response = await self._request("GET", "/")
        if response.status != 200:
            raise NoAnswer(f"the page was answered with {response.status}")
        forms = Page(response.body.decode()).forms
        self._form = next(form for form in forms if form.text_field)

    async def submit(self, question: str) -> None:
        """Send the form, and follow a redirect, as `fetch` does."""
        fields = self._form.fields | {self._form.text_field: question}
        if "task_id" in fields:
            self.questions[fields["task_id"]] = question
        body, content_type = multipart(fields)
        headers = {"Content-Type": content_type, "Accept": self.accepts}
        headers |= {"Origin": self.url, "Referer": f"{self.url}/"}
        response = await self._request("POST", "/", headers, body)
        if response.status == 302:
            await self._request("GET", response.header("location"))
        elif response.status != 202:
            raise NoAnswer(f"the POST was answered with {response.status}")
        elif next_task_id := json.loads(response.body).get("next_task_id"):
            self._form.fields["task_id"] = next_task_id

    def read(self, frame: dict, moment: float) -> None:
        """Store the time of a whole answer or, for final/, of its first words."""
        if frame.get("status", "done") == "done" and "answer" in frame:
            self.answers.note(frame["query"], moment)
        elif frame.get("chunk") or frame.get("answer"):
            # The first words are in a chunk, or in the frame with the status.
            question = self.questions.get(frame["task_id"], "")
            self.first_chunks.note(question, moment)

    @property
    def cookie_header(self) -> str:
        """The value of the `Cookie` header."""
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    async def _request(
        self, method: str, path: str, headers: Mapping[str, str] = {}, body: bytes = b""
    ) -> Response:
        headers = {"Cookie": self.cookie_header, **headers}
        response = await self.http.request(method, path, headers, body)
        for name, value in response.headers:
            if name == "set-cookie":
                cookie, _, value = value.partition(";")[0].partition("=")
                self._cookies[cookie] = value
        return response


class FinalVisitor(PageVisitor):
    """A visitor of final/, whose script requests JSON."""

    accepts = "application/json"


def multipart(fields: Mapping[str, str]) -> tuple[bytes, str]:
    """Encode the fields as `FormData` does. Returns the body and its content type."""
    boundary = "----bench-b7f1c0d29a64"
    head = f"--{boundary}\r\nContent-Disposition: form-data; name="
    parts = [f'{head}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    body = "".join([*parts, f"--{boundary}--\r\n"]).encode()
    return body, f"multipart/form-data; boundary={boundary}"
