"""Stage 7 · browser: the answer appears in the page, and the page is never reloaded."""

import contextlib
import json
import uuid
from typing import Any

from tutorial.runtime.waiting import wait_for
from tutorial.visitor.site import Site, Unmet
from tutorial.visitor.sockets import ALL_OPEN, KEEP_SOCKETS, wait_in

MISSING = "The browser left the page when the form was sent: it was loaded again"

PATIENCE = 10_000.0  # ms


def check(site: Site) -> str:
    """A frame arrives, and what it brings is in the page that sent the form."""
    from playwright.sync_api import Error

    with contextlib.closing(site.browser.new_context()) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.add_init_script(KEEP_SOCKETS)
        frames: list[str | bytes] = []
        page.on(
            "websocket", lambda s: s.on("framereceived", lambda f: frames.append(f))
        )
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(site.url)
        _wait_for_socket(page)
        loads: list[str] = []
        page.on("framenavigated", lambda frame: loads.append(frame.url))
        try:
            _check_answer(page, frames, loads)
            _check_reload(page)
            context.set_offline(True)
            _check_offline(page)
        except Error as error:
            thrown = f"; the page's script threw: {errors[0]}" if errors else ""
            raise Unmet(f"{error.message.splitlines()[0]}{thrown}") from error
        if errors:
            raise Unmet(f"The page's script threw: {errors[0]}")
    return f"in the page, brought by a frame, without a reload: {str(frames[0])[:50]}…"


def _wait_for_socket(page: Any) -> None:
    if not wait_in(page, ALL_OPEN, PATIENCE / 1000):
        raise Unmet("The page's WebSocket does not open")


def _check_answer(page: Any, frames: list[str | bytes], loads: list[str]) -> None:
    """An answer and an error of the API appear, each brought by a frame of its own."""
    for question, outcome in (
        (f"What is the DOM? {uuid.uuid4()}", "offline stand-in"),
        ("simulate: bad key", "AuthenticationError"),
    ):
        _ask(page, question)
        page.get_by_text("Search has started!").wait_for()
        if loads:
            raise Unmet(MISSING)
        # Others may come before it: news on the way.
        data = _wait_until(
            page,
            lambda q=question, o=outcome: next(
                (json.loads(f) for f in frames if q in str(f) and o in str(f)), None
            ),
            "No frame came with the answer",
        )
        # Whatever the frame says in words must be there to be read.
        for text in (question, *(t for t in data.values() if " " in str(t))):
            _wait_until(
                page,
                lambda t=text: _squeeze(t) in _squeeze(page.inner_text("body")),
                f"The frame came, but this is not in the page: {text[:60]}",
            )
        if loads:
            raise Unmet(MISSING)


def _check_reload(page: Any) -> None:
    """What a reload shows was in the page before: the frames brought all of it."""
    live = _squeeze(page.inner_text("body"))
    page.reload()
    _wait_for_socket(page)
    for line in page.inner_text("body").splitlines():
        if len(line) > 20 and _squeeze(line) not in live:
            raise Unmet(f"Only a reload shows this: {line[:60]}")


def _check_offline(page: Any) -> None:
    """Where the server cannot be reached, the page says so, and keeps the question."""
    before = set(page.inner_text("body").splitlines())
    question = "Is anybody there?"
    _ask(page, question)
    _wait_until(
        page,
        lambda: set(page.inner_text("body").splitlines()) - before,
        "The question could not be sent, and the page does not say so",
    )
    if _field(page).input_value() != question:
        raise Unmet("The question could not be sent, and it is gone from the form")


def _ask(page: Any, question: str) -> None:
    _field(page).fill(question)
    page.locator("form [type=submit], form button").first.click()


def _field(page: Any) -> Any:
    return page.locator("form input[type=text], form input[type=search]").first


def _squeeze(text: str) -> str:
    return " ".join(text.split())


def _wait_until(page: Any, condition: Any, otherwise: str) -> Any:
    """Wait in the page's own event loop, in which the frames arrive."""
    result = wait_for(condition, PATIENCE / 1000, lambda: page.wait_for_timeout(50))
    if not result:
        raise Unmet(otherwise)
    return result
