"""Visits the deployed site as a browser does, through HTTPS and nginx."""

import contextlib
import json
import re
import socket
import ssl
import threading
import uuid
from collections import Counter
from collections.abc import Iterator

import httpx2
from websockets.sync.client import connect

HOST = "search.example.org"
ORIGIN = f"https://{HOST}"


class Browser:
    """A visitor with cookies of their own, who trusts only this certificate."""

    def __init__(self, certificate: str) -> None:
        self.tls = ssl.create_default_context(cadata=certificate)
        self.client = httpx2.Client(
            base_url="https://127.0.0.1",
            headers={"Host": HOST, "Referer": f"{ORIGIN}/"},
            verify=self.tls,
            timeout=30,
        )
        self.asked: list[str] = []  # the ids of the searches

    def request(self, method: str, path: str, **options) -> httpx2.Response:
        """Send a request, and return the response."""
        names = {"sni_hostname": HOST}
        return self.client.request(method, path, extensions=names, **options)

    def get(self, path: str = "/", **options) -> httpx2.Response:
        """Send a GET request, and return the response."""
        return self.request("GET", path, **options)

    def send(self, path: str, fields: dict[str, str], **options) -> httpx2.Response:
        """Send a form with these fields, and return the response."""
        if "csrftoken" not in self.client.cookies:
            self.get(path)
        token = {"csrfmiddlewaretoken": self.client.cookies["csrftoken"]}
        return self.request("POST", path, data=fields | token, **options)

    def log_in(self, name: str, password: str, path: str = "/accounts/login/") -> int:
        """Log in, and return the status of the response."""
        return self.send(path, {"username": name, "password": password}).status_code

    def ask(self, question: str) -> httpx2.Response:
        """Send a question as the page's script does, and return the response."""
        task_id = str(uuid.uuid4())
        headers = {"Accept": "application/json"}
        response = self.send(
            "/", {"query": question, "task_id": task_id}, headers=headers
        )
        if response.status_code == 202:
            self.asked.append(task_id)
        return response

    def snapshot(self) -> dict:
        """Return the states of the visitor's searches, by id."""
        waiting = [("waiting", task_id) for task_id in self.asked[-50:]]
        headers = {"Accept": "application/json"}
        data = self.get("/", params=waiting, headers=headers).json()
        return {search["task_id"]: search for search in data["searches"]}

    def user(self) -> str:
        """Return the id of the visitor's user, which is in the HTML of the page."""
        return re.search(r'data-user="(\d*)"', self.get().text)[1]

    @contextlib.contextmanager
    def open_socket(self) -> Iterator:
        """Open a WebSocket as the page does. Close it when the `with` block ends."""
        cookies = "; ".join(f"{name}={v}" for name, v in self.client.cookies.items())
        with (
            socket.create_connection(("127.0.0.1", 443)) as connection,
            connect(
                f"wss://{HOST}/ws/search/",
                sock=connection,
                ssl=self.tls,
                origin=ORIGIN,
                additional_headers={"Cookie": cookies},
            ) as opened,
        ):
            yield opened


def wait_for_answer(opened, task_id: str) -> dict:
    """Read from the socket until the search has ended, and return its final state."""
    return wait_for_answers(opened, [task_id])[task_id]


def wait_for_answers(opened, task_ids: list[str]) -> dict[str, dict]:
    """Read from the socket until all searches have ended.

    Return the final states of the searches, by id.
    """
    ended: dict[str, dict] = {}
    while ended.keys() != set(task_ids):
        data = json.loads(opened.recv(timeout=30))
        for state in data.get("searches", [data]):
            if state["task_id"] in task_ids and state.get("status") in (
                "done",
                "failed",
            ):
                ended[state["task_id"]] = state
    return ended


@contextlib.contextmanager
def busy(browser: Browser) -> Iterator[Counter]:
    """Run a thread that requests pages and asks questions until the `with` block ends.

    Yields a Counter, which counts each response status and each exception.
    """
    seen: Counter = Counter()
    is_over = threading.Event()

    def go_on() -> None:
        while not is_over.is_set():
            for act in (browser.get, lambda: browser.ask("Is anything lost?")):
                try:
                    seen[act().status_code] += 1
                except httpx2.HTTPError as error:
                    seen[repr(error)] += 1
            is_over.wait(0.05)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()
