"""A visitor who has no browser, but sends the same requests as the app's page."""

import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from websockets.sync.client import ClientConnection

from tutorial.runtime.waiting import wait_until
from tutorial.visitor.site import Site
from tutorial.visitor.sockets import open_socket
from tutorial.visitor.visitor import Visitor

ENDED = ("done", "failed", "cancelled")


class Person(Visitor):
    """A visitor who sends the requests of the page's script."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        # Like `fetch` in the page's script, this opener follows redirects.
        self.script = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies)
        )
        self.fields = self.form().fields

    @property
    def has_session(self) -> bool:
        """Whether the person is signed in.

        The first question or socket signs the person in as a guest.
        """
        return any(cookie.name == "sessionid" for cookie in self.cookies)

    def post(
        self, question: str, task_id: str | None = None, path: str = "/"
    ) -> tuple[int, dict[str, Any], Any]:
        """Send the form, and return the status, JSON and headers of the response."""
        task_id = task_id or str(uuid.uuid4())
        data = self.fields | {"query": question, "task_id": task_id}
        request = urllib.request.Request(
            urllib.parse.urljoin(self.site.url, path),
            urllib.parse.urlencode(data).encode(),
            {"Accept": "application/json"},
        )
        try:
            with self.script.open(request, timeout=self.patience) as response:
                return response.status, json.load(response), response.headers
        except urllib.error.HTTPError as error:
            return error.code, json.load(error), error.headers

    def search(self, question: str) -> str:
        """Ask a question that must be accepted, and return the search's id."""
        status, data, _ = self.post(question)
        assert status == 202, (status, data)
        return data["search"]["task_id"]

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """Return the states of the person's searches, by id."""
        request = urllib.request.Request(
            self.site.url, headers={"Accept": "application/json"}
        )
        with self.script.open(request, timeout=self.patience) as response:
            searches = json.load(response)["searches"]
        return {search["task_id"]: search for search in searches}

    def wait_for_end(self, task_id: str, seconds: float = 20) -> dict[str, Any]:
        """Wait until the search has ended, and return its last state."""
        seen: dict[str, Any] = {}

        def has_ended() -> bool:
            seen.update(self.snapshot()[task_id])
            return seen["status"] in ENDED

        wait_until(has_ended, seconds=seconds, otherwise=lambda: f"no end: {seen}")
        return seen

    def open_socket(self, origin: str | None = None) -> ClientConnection:
        """Open the person's WebSocket. Raises NoSocket if it is refused."""
        return open_socket(self, origin)


def wait_for_frame(
    socket: ClientConnection, task_id: str | None = None, seconds: float = 20
) -> dict:
    """Wait for a frame that reports the end of a search, and return the frame.

    If `task_id` is given, only the end of that search counts.
    """
    while True:
        frame = json.loads(socket.recv(timeout=seconds))
        if frame.get("status") in ENDED and task_id in (None, frame["task_id"]):
            return frame


def at_the_same_time(function: Callable[[], Any], count: int) -> list[Any]:
    """Call the function in `count` threads at once, and return the results."""
    with ThreadPoolExecutor(count) as threads:
        calls = [threads.submit(function) for _ in range(count)]
        return [call.result() for call in calls]


def calls(site: Site, question: str) -> int:
    """Return the number of API requests with this question. Each one costs money."""
    return sum(r["input"].endswith(question) for r in site.requests_to_openai())
