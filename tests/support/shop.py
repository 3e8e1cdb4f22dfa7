"""Visits a project of the repair shop, and records what a person and the tools see.

`visit` starts the project with all its processes, opens its page in a browser, asks two
questions, and looks at everything that a learner can look at.
"""

import contextlib
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page

from support.running import migrate_once
from tutorial import observer
from tutorial.live_map.server import LiveMap
from tutorial.live_map.state import State
from tutorial.observer.events import Tail
from tutorial.problem import Problem
from tutorial.project.steps import Step
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.stack import Stack, own_services
from tutorial.runtime.waiting import pause_in, wait_for
from tutorial.visitor.site import Site

START = 25.0  # seconds that the project may take to start
LOAD = 8.0  # seconds that the page may take to load
ANSWER = 5.0  # seconds that a result may take to appear on the page
STARTED = "Search has started!"


@dataclass
class Seen:
    """What was seen during a visit to a project."""

    # the page, before the first question
    start: str = ""  # why the project did not start
    status: int = 0  # 0: no response
    error: str = ""  # the browser's error, if the page did not load
    text: str = ""
    has_form: bool = False
    has_button: bool = False
    is_styled: bool = False
    badge: str = ""
    # the first question and the second one
    question: str = ""
    message: str = ""  # what the page says about the question
    seconds: float = 0.0  # the time until the message appears
    after: str = ""  # the page's text after the button was pressed
    entries: list[str] = field(default_factory=list)  # in the list, before a reload
    reloaded: list[str] = field(default_factory=list)  # after a reload
    reload_status: int = 0
    second: list[str] = field(default_factory=list)  # after the second question
    answer: str = ""  # the API's answer to the first question
    # the tools
    console: list[str] = field(default_factory=list)
    network: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)  # processes that ended by themselves
    show_queue: str = ""
    show_groups: str = ""
    map: str = ""  # the state of the first search on the live map
    map_stage: int | None = None  # the stage at which the search stops
    map_text: str = ""


def visit(folder: Path, number: int, browser: Browser) -> Seen:
    """Visit the project in `folder`, which is at step `number`."""
    seen = Seen()
    with tempfile.TemporaryDirectory(prefix="tutorial-shop-") as temporary:
        root = Path(temporary).resolve()
        events = root / "events"
        stack = Stack(
            folder,
            root=root / "run",
            services=own_services(root),
            environment=observer.variables(events, root / "run" / "project"),
            without=["DJANGO_SETTINGS_MODULE"],
            prepare=migrate_once,
            commands=observer.commands_in_front,
            patience=None,
            grace=0.2,
        )
        state = State(stack, Step(str(folder), 0, folder), Tail(events))
        with LiveMap(state, free_port()) as live:
            try:
                with stack:
                    _wait_until_ready(stack)
                    _look(stack, live, number, browser, seen)
                    seen.ended = [
                        name
                        for name, process in stack.project.running.items()
                        if process.child.poll() is not None
                    ]
            except Problem as problem:
                seen.start = str(problem)
            seen.log += [f"{name}: {line}" for name, line in stack.log]
    return seen


def _wait_until_ready(stack: Stack) -> None:
    processes = stack.project.running.values()

    def is_ready() -> bool:
        ended = [one for one in processes if one.child.poll() is not None]
        return bool(ended) or (stack.project.listens() and _worker_is_ready(stack))

    wait_for(is_ready, START)


def _worker_is_ready(stack: Stack) -> bool:
    if "worker" not in stack.project.running:
        return True
    return any(name == "worker" and " ready." in line for name, line in stack.log)


def _look(
    stack: Stack, live: LiveMap, number: int, browser: Browser, seen: Seen
) -> None:
    if not wait_for(stack.project.listens, 2):
        return
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.set_default_timeout(LOAD * 1000)
        _listen(page, seen)
        with contextlib.suppress(Error):
            _visit(page, stack, number, seen)
        _read_tools(page, stack, live, seen)
        with contextlib.suppress(Error):
            _visit_again(page, stack, number, seen)


def _listen(page: Page, seen: Seen) -> None:
    page.on("console", lambda message: seen.console.append(message.text))
    page.on("pageerror", lambda error: seen.console.append(f"error: {error}"))
    page.on(
        "response",
        lambda answer: seen.network.append(
            f"{answer.request.method} {answer.status} {answer.url}"
        ),
    )

    def socket(opened: Any) -> None:
        seen.network.append(f"socket {opened.url}")
        opened.on("framereceived", lambda text: seen.frames.append(repr(text)))
        opened.on("socketerror", lambda error: seen.network.append(f"socket {error}"))

    page.on("websocket", socket)


def _visit(page: Page, stack: Stack, number: int, seen: Seen) -> None:
    try:
        answer = page.goto(stack.project.url)
    except Error as error:
        seen.error = str(error)
        raise
    seen.status = answer.status
    seen.text = page.inner_text("body")
    seen.is_styled = _number_of_styles(page) > 0
    if number >= 6:
        wait_for(lambda: _badge(page) == "Live", 3, pause_in(page))
    seen.badge = _badge(page)
    if seen.badge == "Connecting":
        # The server closes a socket that the consumer neither accepts nor refuses.
        wait_for(lambda: _badge(page) != "Connecting", 15, pause_in(page))
    field, button = _field(page), page.get_by_role("button", name="Search")
    seen.has_form, seen.has_button = field.count() == 1, button.count() == 1
    if not seen.has_form and seen.has_button:
        notices = _notices(page)
        button.click(no_wait_after=True)
        wait_for(lambda: _notices(page) not in ("", notices), ANSWER, pause_in(page))
        seen.after = page.inner_text("body")
    if not (seen.has_form and seen.has_button):
        return
    seen.question = question = f"What is a broker? {secrets.token_hex(3)}"
    notices = _notices(page)
    field.fill(question)
    seen.seconds = page.evaluate("performance.timeOrigin + performance.now()")
    with contextlib.suppress(Error):
        button.click(no_wait_after=True)
    wait_for(lambda: _notices(page) not in ("", notices), 12, pause_in(page))
    now = page.evaluate("performance.timeOrigin + performance.now()")
    seen.seconds = (now - seen.seconds) / 1000
    seen.message = _notices(page)
    site = _site(stack)

    def answer_of_api() -> str:
        for request in site.requests_to_openai():
            if question in str(request["input"]):
                return request["answer"] or ""
        return ""

    wait_for(
        lambda: bool(_entries(page)) and (number == 7 or bool(answer_of_api())),
        ANSWER,
        pause_in(page),
    )
    pause_in(page)(0.5)
    seen.answer = answer_of_api()
    seen.entries = _entries(page)
    seen.after = page.inner_text("body")
    if number == 7 and seen.entries:
        before = len(seen.entries)
        _field(page).fill("What is a queue?")
        page.get_by_role("button", name="Search").click(no_wait_after=True)
        wait_for(lambda: len(_entries(page)) > before, ANSWER, pause_in(page))
        pause_in(page)(0.3)
        seen.second = _entries(page)[: -before or None]


def _visit_again(page: Page, stack: Stack, number: int, seen: Seen) -> None:
    if not seen.status:
        return
    answer = page.goto(stack.project.url)
    seen.reload_status = answer.status
    wait_for(lambda: bool(_entries(page)), 1, pause_in(page))
    seen.reloaded = _entries(page)


def _read_tools(page: Page, stack: Stack, live: LiveMap, seen: Seen) -> None:
    for name in ("show_queue", "show_groups"):
        result = stack.project.manage(name)
        lines = (result.stdout + result.stderr).strip()
        setattr(seen, name, f"{result.returncode}: {lines[-2000:]}")

    def searches() -> list[dict[str, Any]]:
        return live.everything()["searches"]

    def is_over() -> bool:
        found = searches()
        return bool(found) and found[-1]["state"] not in ("travelling",)

    wait_for(is_over, 4)
    if found := searches():
        first = min(found, key=lambda search: search["number"])
        seen.map = first["state"]
        if halt := first["halt"]:
            seen.map_stage, seen.map_text = halt["stage"], halt["text"]
            seen.map_text += f" [{halt['mistake']}]"


def symptom_of(seen: Seen, number: int) -> str:
    """Return the id of the symptom that a visitor sees, or "" if nothing is wrong.

    The ids are those of the repair shop. `number` is the number of the step.
    """
    if not seen.status:
        return "redirects" if "TOO_MANY_REDIRECTS" in seen.error else "no-page"
    if seen.status >= 400:
        return "error-page"
    if "Your searches" not in seen.text:
        return "other-page"
    if not seen.has_form:
        return "no-field"
    if STARTED not in seen.message:
        return _without_start(seen)
    if "worker" in seen.ended:
        return "ends"
    found = [*seen.entries, *seen.reloaded]
    if not found:
        return "no-answer"
    if any("The API gave no answer" in entry for entry in found):
        return "api-error"
    if not any(seen.question in entry for entry in found) or not seen.answer:
        return "other-question"
    if number < 7:
        return _by_badge(seen) if number == 6 else ""
    return _of_the_list(seen)


def _without_start(seen: Seen) -> str:
    if not seen.message:
        return "" if seen.entries else "no-reaction"
    is_error = "did not confirm" in seen.message or "Your searches" not in seen.after
    return "not-sent" if is_error else "refused"


def _by_badge(seen: Seen) -> str:
    known = {"Live": "", "Connecting": "connecting"}
    return known.get(seen.badge, "offline")


def _of_the_list(seen: Seen) -> str:
    """Return the symptom in the list of answers at step 7, or "" if there is none."""
    if not seen.entries:
        return _by_badge(seen) or "late"
    answer = " ".join(seen.answer.split())
    if not all(answer in " ".join(entry.split()) for entry in seen.entries):
        return "blank"
    if len(seen.entries) > 1:
        return "twice"
    if not seen.second:
        return "first-only"
    return "" if seen.reloaded else "gone"


def _site(stack: Stack) -> Site:
    return Site(stack.project.url, stack.redis_url, stack.openai_url)


def _field(page: Page) -> Any:
    return page.locator("form input:not([type=hidden]):visible")


def _badge(page: Page) -> str:
    with contextlib.suppress(Error):
        return page.locator("header p").first.inner_text(timeout=500)
    return ""


def _notices(page: Page) -> str:
    """Return what the page says about a question, or the start of an error page."""
    with contextlib.suppress(Error):
        if page.locator("#notices").count():
            return page.locator("#notices").inner_text(timeout=500).strip()
        return page.inner_text("body", timeout=500)[:100].strip()
    return ""


def _entries(page: Page) -> list[str]:
    """Return a text for each search in the list: its question, answer and error."""
    with contextlib.suppress(Error):
        return page.evaluate(
            """() => [...document.querySelectorAll("#results > li")].map(
                 (item) => [...item.children].map((one) => one.textContent.trim())
                                             .join(" | "))"""
        )
    return []


def _number_of_styles(page: Page) -> int:
    return page.evaluate("document.styleSheets.length")
