"""The running project that is judged, and everything that was seen of it so far."""

import contextlib
import os
import re
import secrets
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection

from tutorial.check import databases
from tutorial.check.code import Code
from tutorial.check.traffic import Broadcast, Message, broadcasts, messages
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event, Events
from tutorial.runtime.monitor import RedisMonitor
from tutorial.runtime.processes import Process
from tutorial.runtime.project import Project
from tutorial.runtime.stack import Stack
from tutorial.runtime.waiting import wait_for
from tutorial.visitor.site import SOCKET_PATH, Site
from tutorial.visitor.visitor import Answer, Visitor

START = 20.0  # seconds that a process may take to become ready
DONE = 10.0  # seconds that a task may take; the stand-in answers at once
PATIENCE = 12.0  # seconds that a visitor waits for a page
# The lines that every server prints while it stops. They do not say why it stops.
GOODBYE = re.compile(
    r"Shutting down|Waiting for application shutdown|Application shutdown complete"
    r"|Finished server process"
)
# The name of the error in `Scene.survey` if the survey was never written.
NO_SURVEY = "Exit"
GRACE = 0.5  # seconds until the effects of a finished task are visible


@dataclass
class Search:
    """A question that was sent, and the page's response to it."""

    question: str
    visitor: Visitor
    before: frozenset[str]  # the page's texts before the question
    mark: int  # the number of recorded Redis commands before the question
    events: Events  # the events since `mark`, including those of later questions
    answer: Answer
    after: Answer | None = None  # the page after the redirect

    def __post_init__(self) -> None:
        # The events up to the answer, not counting those of later questions.
        self.own_events = self.events.so_far()

    def words(self) -> str:
        """Return the text that is new in the page after the question."""
        if self.answer.location and self.after is None:
            self.after = self.visitor.get(self.answer.location)
        page = self.after or self.answer
        if page.html.lstrip()[:1] in "{[":
            return page.html[:200]  # JSON
        return " ".join(text for text in page.page.pieces if text not in self.before)


@dataclass(frozen=True)
class Opened:
    """A visitor's open WebSocket, and the frames that it received so far."""

    visitor: Visitor
    url: str  # the WebSocket's address
    socket: ClientConnection
    groups: list[str]  # the groups that the consumer joined when the socket opened
    mark: int  # the number of recorded Redis commands before the socket opened
    events: Events  # the events since `mark`
    protocols: list[str] = field(default_factory=list)  # the script's subprotocols
    frames: list[str] = field(default_factory=list)
    binary: list[str] = field(default_factory=list)  # the frames that were binary


@dataclass
class OpenPage:
    """A page in a browser, and what the browser reported since it was loaded."""

    page: Any  # a Playwright page
    frames: list[str] = field(default_factory=list)
    binary: list[str] = field(default_factory=list)  # the frames that were binary
    errors: list[Any] = field(default_factory=list)
    load_errors: list[Any] = field(default_factory=list)  # errors during loading
    loads: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)  # status, address
    # The kinds of the POST requests, such as "fetch" or "document".
    posts: list[str] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)  # Playwright's requests, except GET
    # The new lines of the page, except lines that arrived in a frame.
    said: list[str] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)  # status, address
    # Playwright's responses, in the order of `answers`.
    responses: list[Any] = field(default_factory=list)
    # The address of each WebSocket, and its error, or "" if there was none.
    sockets: list[tuple[str, str]] = field(default_factory=list)
    sent_frames: list[str] = field(default_factory=list)
    was_left: bool = False  # the browser left the page while its WebSocket was open
    no_scripts: list[tuple[int, str]] = field(default_factory=list)  # status, address

    def forget(self) -> None:
        """Forget everything except the sockets and scripts, which still exist."""
        for seen in (self.frames, self.errors, self.loads, self.console, self.refused):
            seen.clear()
        for seen in (self.posts, self.said, self.answers, self.sent):
            seen.clear()
        self.sent_frames.clear()
        self.binary.clear()


@dataclass
class Scene:
    """The running project, seen from outside, and everything that was found out so far.

    The stages judge the project from outside. Only explanations use `events`, `survey`
    and `code`. Without an observer, these three are empty. At the end of its `with`
    block, the scene closes the sockets and pages that the stages opened.
    """

    stack: Stack
    redis: RedisMonitor
    browser: Any = None  # a Playwright browser, or None
    no_browser: str = ""  # why there is no browser
    number: int = 7  # the last stage to look at

    # The fields that only explanations use.
    events: Events = field(default_factory=Events)
    survey: dict[str, Any] = field(default_factory=dict)
    code: Code = field(default_factory=Code)

    # What the stages have found.
    path: str = "/"  # the address of the page with the form
    advice: list[str] = field(default_factory=list)
    differs: list[Unmet] = field(default_factory=list)  # findings during a search
    # The page's text before the socket opens, while it is open, and after it closes.
    states: list[str] = field(default_factory=list)
    search: Search | None = None  # the first search, without a socket
    # The searches with bad questions, which the view should refuse.
    bad: dict[str, Search] = field(default_factory=dict)
    message: Message | None = None  # the Celery message of the first search
    shown: str = ""  # the part of the first answer that a reload shows
    tells_of_failures: bool = True  # whether a failure of the API is broadcast
    # The events since the latest check with simultaneous questions began.
    burst: Events = field(default_factory=Events)
    # Another visitor's search that the API refuses.
    second: Search | None = None
    mine: Opened | None = None
    other: Opened | None = None
    live: Search | None = None  # the first search with an open socket
    opened: OpenPage | None = None
    pause: Callable[[float], object] = time.sleep  # how to pause while waiting
    person: Any = None  # the Person who searched in a browser, or None
    # The time from sending the form until the page shows the answer, in the browser.
    search_seconds: float | None = None
    # Checks that run at the end, because they wait for a slow effect.
    pending: list[Callable[[], Iterator[Unmet]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._exits = contextlib.ExitStack()
        # The events since the current stage began.
        self.stage_events = self.events

    def __enter__(self) -> "Scene":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the sockets and pages that the stages left open."""
        self._exits.close()

    def keep(self, context: Any) -> Any:
        """Enter a context manager, return its value, and exit it in `close`."""
        return self._exits.enter_context(context)

    @cached_property
    def site(self) -> Site:
        """The addresses of the project, Redis and the stand-in."""
        return Site(self.project.url, self.stack.redis_url, self.stack.openai_url)

    @property
    def project(self) -> Project:
        """The project that runs."""
        return self.stack.project

    @property
    def folder(self) -> Path:
        """The folder that the project runs in."""
        return self.project.folder

    @cached_property
    def paths(self) -> list[str]:
        """The addresses that the page may have, the most likely first."""
        return list(dict.fromkeys(["/", *(url["path"] for url in self._urls(False))]))

    def _urls(self, has_parts: bool) -> list[dict[str, Any]]:
        urls = self.survey.get("urls", [])
        if isinstance(urls, dict):  # the survey failed, and this is its error
            return []
        return [url for url in urls if url["has_parts"] == has_parts]

    @property
    def paths_with_parts(self) -> list[str]:
        """The addresses with parameters, which cannot be opened as they are."""
        paths = (url["path"] for url in self._urls(True))
        return [path for path in paths if not path.startswith(("/admin/", "/static/"))]

    @property
    def socket_path(self) -> str:
        """The WebSocket's address, for use if the page's script does not show it."""
        routes = self.survey.get("asgi", {}).get("routes", [])
        return routes[0]["path"] if routes else SOCKET_PATH

    # --- visitors -------------------------------------------------------------------

    def question(self, about: str) -> str:
        """Return a question about `about` that no visitor has asked yet."""
        return f"What is a {about}? {secrets.token_hex(3)}"

    def visitor(self) -> Visitor:
        """Return a new visitor of the page with the form."""
        return Visitor(self.site, self.path, PATIENCE)

    def now(self) -> tuple[int, Events]:
        """Return the number of recorded Redis commands, and `Events` that begin now."""
        return self.redis.mark(), self.events.mark()

    def ask(
        self, question: str, visitor: Visitor | None = None, token: str | None = None
    ) -> Search:
        """Send the question with the page's form; see `Visitor.ask`."""
        visitor = visitor or self.visitor()
        page = visitor.get()
        before = frozenset(page.page.pieces)
        mark, events = self.now()
        # Do not load the page twice: the second page may contain more than the first.
        answer = visitor.ask(question, token, page)
        return Search(question, visitor, before, mark, events, answer)

    # --- what the search left in other places ---------------------------------------

    def messages_since(self, mark: int) -> list[Message]:
        """Return the Celery messages that Redis received since the position `mark`."""
        return messages(self.redis.since(mark, "LPUSH"))

    def waits(self, message: Message) -> bool:
        """Whether the message is still in its list."""
        waiting = self.site.waiting_messages(message.queue, message.database)
        # Both of Celery's task protocols write the message's id here.
        return any(
            other["properties"]["correlation_id"] == message.id for other in waiting
        )

    def broadcasts_since(self, mark: int) -> list[Broadcast]:
        """Return the layer's messages to groups since the position `mark`."""
        return broadcasts(self.redis.since(mark, "group"))

    def answered(self, question: str) -> dict | None:
        """Return the stand-in's record of the request with this question, or None."""
        for request in self.site.requests_to_openai():
            if question in request["input"]:
                return request
        return None

    def is_in_database(self, text: str) -> bool:
        """Whether any column of the project's SQLite databases contains the text."""
        return self.times_in_databases([text])[text] > 0

    def databases(self) -> list[Path]:
        """Return the project's SQLite databases, whatever their names are."""
        return databases.find(self.folder.parent)

    def times_in_databases(self, texts: Iterable[str]) -> Counter[str]:
        """Count how often each of the texts is in the project's databases."""
        times: Counter[str] = Counter()
        for database in self.databases():
            for statement in map(squeeze, databases.statements(database)):
                times.update({text: statement.count(text) for text in texts})
        return times

    # --- processes ------------------------------------------------------------------

    def _processes(self, role: str) -> list[Process]:
        """Return the processes of a role, "web" or "worker".

        A process that is called "worker 2" also has the role "worker".
        """
        running = self.project.running.items()
        return [process for name, process in running if name.split()[0] == role]

    def lines(self, role: str) -> list[str]:
        """Return what the processes of the role, "web" or "worker", have printed."""
        return [line for process in self._processes(role) for line in process.lines]

    def has_ended(self, role: str) -> bool:
        """Whether a process of the role has ended by itself."""
        return bool(self._ended(role))

    def _ended(self, role: str) -> list[Process]:
        found = self._processes(role)
        return [process for process in found if process.child.poll() is not None]

    def last_words(self, role: str) -> str:
        """Return the error or last line of a process that has ended, or is ending."""
        process = [*self._ended(role), *self._processes(role)][0]
        process.child.wait()
        wait_for(lambda: process.lines, 1)
        return last_words(process.lines)

    @cached_property
    def has_worker(self) -> bool:
        """Whether the project starts a worker."""
        return "worker" in self.project.running

    @property
    def worker_is_ready(self) -> bool:
        """Whether all workers are ready, according to their output or the observer."""
        workers = [str(process.lines) for process in self._processes("worker")]
        printed = all(" ready." in lines for lines in workers)
        return printed or len(self.events.all("worker ready")) >= len(workers)

    # --- what the observer recorded, and places in the code -------------------------

    @property
    def observed(self) -> bool:
        """Whether the observer runs in the web process."""
        return bool(self.events.first("observer starts", process="web"))

    @property
    def worker_is_observed(self) -> bool:
        """Whether the observer runs in every worker, and all of them are ready."""
        workers = self._processes("worker")
        return 0 < len(workers) <= len(self.events.all("worker ready"))

    def end_of(self, search: Search) -> Event | None:
        """Return the event that ended the search's task, if an observer recorded it."""
        sent = search.events.first("enqueued")
        ends = ("task done", "task failed")
        return search.events.first(*ends, id=sent["id"]) if sent else None

    def is_over(self, search: Search) -> bool:
        """Whether the observer recorded that the search's task is over.

        The task is over if it has ended, or if the worker does not know this task.
        """
        return bool(self.end_of(search) or search.events.first("unknown task"))

    def still_runs(self, search: Search) -> bool:
        """Whether the observer recorded the search's task, but not its end."""
        is_known = self.worker_is_observed and bool(search.events.first("enqueued"))
        return is_known and not self.is_over(search)

    def wait(self, condition: Callable[[], Any], seconds: float, search: Search) -> Any:
        """Wait until `condition` is true, and return its last value.

        If an observer recorded the end of the search's task, the wait ends early.
        """
        wait_for(lambda: condition() or self.is_over(search), seconds, self.pause)
        return wait_for(condition, GRACE, self.pause)

    def wait_for_end(self, search: Search) -> None:
        """Wait until the search's task has ended, if an observer can record that."""
        if self.observed:
            wait_for(lambda: self.is_over(search), DONE)

    @property
    def view(self) -> str | None:
        """The place of the view that takes the form, such as "search/views.py:9"."""
        urls = {url["path"]: url["at"] for url in self._urls(False)}
        answers = self.opened.answers if self.opened else []
        asked = [urllib.parse.urlsplit(url).path for _, url in answers]
        return next((urls[path] for path in [*asked, self.path] if path in urls), None)

    def place_in(self, lines: list[str]) -> str | None:
        """Return the project's last line in a traceback, as "file:line", or None."""
        root = str(self.folder.resolve()) + os.sep
        place = None
        for line in lines:
            match = re.search(r'File "([^"]+)", line (\d+)', line)
            if match and match[1].startswith(root) and "site-packages" not in match[1]:
                name = match[1].removeprefix(root)
                if name != "manage.py":
                    place = f"{name}:{match[2]}"
        return place


def squeeze(text: str) -> str:
    """Return the text with a single space in place of each run of white space."""
    return " ".join(text.split())


def first_words(answer: str) -> str:
    """Return an answer's first words. Even a page that shortens answers shows them."""
    return " ".join(answer.split()[:5])


def last_words(lines: list[str]) -> str:
    """Return the last exception in the lines, or else the last line with text."""
    words = [line.strip() for line in lines if line.strip()]
    words = [word for word in words if not GOODBYE.search(word)] or words
    errors = [
        # click, and therefore Celery, prints the reason in the line after "Error:".
        " ".join(words[number : number + 2]) if word == "Error:" else word
        for number, word in enumerate(words)
        if re.match(r"[\w.]*(Error|Exception|Warning|SystemExit)\b", word)
    ]
    return (errors or words or ["it printed nothing"])[-1][:300]
