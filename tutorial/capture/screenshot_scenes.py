"""Brings a running step into the state for each screenshot, and takes the picture."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, expect

from tutorial.capture import png
from tutorial.capture.screenshots import (
    BLANKS,
    QUESTION,
    RATE_LIMIT,
    SCALE,
    SCHEMES,
    WIDTH,
    Taken,
    find,
)
from tutorial.project.steps import Step
from tutorial.runtime.processes import Process

PATIENCE = 20_000  # ms until the page must show what is expected


@dataclass(frozen=True)
class Window:
    """A browser window that shows a step's page, and a way to pause the step's API."""

    page: Page
    # Returns a context manager. In its `with` block, the API does not respond.
    paused: Callable[[], AbstractContextManager]

    def type(self, question: str) -> None:
        """Type a question into the form."""
        self.page.get_by_label("Your question").fill(question)

    def send(self) -> None:
        """Press the button, and move the mouse away from it."""
        self.page.get_by_role("button", name="Search").click()
        self.page.mouse.move(0, 0)

    def ask(self, question: str) -> None:
        """Type a question and send it."""
        self.type(question)
        self.send()

    def see(self, place: str, text: str) -> None:
        """Wait until the element that matches the selector `place` contains `text`.

        Raises AssertionError if that takes too long.
        """
        expect(self.page.locator(place)).to_contain_text(text, timeout=PATIENCE)

    def settle(self) -> None:
        """Wait until the badge shows whether the socket is open."""
        badge = self.page.locator("#socket-state")
        unsettled = "data-state", "connecting"
        expect(badge).not_to_have_attribute(*unsettled, timeout=PATIENCE)

    def words(self) -> list[str]:
        """Return the lines of the page's text, and the text in the form's field."""
        lines = self.page.locator("body").inner_text().splitlines()
        lines.append(self.page.get_by_label("Your question").input_value())
        return [line.strip() for line in lines if line.strip()]


# A scene prepares the page for each of its screenshots in turn. Each time the page is
# ready, the scene yields the name of the screenshot.
Scene = Callable[[Window], Iterator[str]]


def page(window: Window) -> Iterator[str]:
    """Show step 1: the page after it has loaded."""
    yield "page"


def started(window: Window) -> Iterator[str]:
    """Show step 2: the page after the form was sent."""
    window.ask(QUESTION)
    window.see("#notices", "Search has started!")
    yield "started"


def error(window: Window) -> Iterator[str]:
    """Show step 2: the message for an empty question."""
    window.ask(BLANKS)
    window.see("#notices", "Type a question first.")
    yield "error"


def reloaded(window: Window) -> Iterator[str]:
    """Show step 4: the answer, which appears after a reload."""
    window.ask(QUESTION)
    window.see("#notices", "Search has started!")
    for _ in range(PATIENCE // 100):
        window.page.wait_for_timeout(100)
        window.page.reload()
        if window.page.locator("#results li").count():
            break
    window.see("#results", QUESTION)
    yield "answer"


def live(window: Window) -> Iterator[str]:
    """Show step 6: the page after it has loaded."""
    yield "live"


def search(window: Window) -> Iterator[str]:
    """Show step 7: a typed question, then the started search, then the answer."""
    window.type(QUESTION)
    yield "typed"
    with window.paused():
        window.send()
        window.see("#notices", "Search has started!")
        yield "started"
    window.see("#results", QUESTION)
    yield "answer"


def failure(window: Window) -> Iterator[str]:
    """Show step 7: the message for a search that the API refuses."""
    window.ask(RATE_LIMIT)
    window.see("#results", "RateLimitError")
    # The frame may arrive before the response to the form.
    window.see("#notices", "Search has started!")
    yield "error"


def finished(window: Window) -> Iterator[str]:
    """Show the finished app after the answer is complete."""
    window.ask(QUESTION)
    window.page.locator("#results [data-status=done]").wait_for()
    yield "answer"


SCENES: dict[str, tuple[Scene, ...]] = {
    "1": (page,),
    "2": (started, error),
    "4": (reloaded,),
    "6": (live,),
    "7": (search, failure),
    "final": (finished,),
}


def play(
    scene: Scene, browser: Browser, url: str, stand_in: Process
) -> Iterator[tuple[str, Window]]:
    """Play a scene in a new window. Yields each screenshot's name, with the window."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": 100}, device_scale_factor=SCALE
    )
    with contextlib.closing(context):
        window = Window(context.new_page(), lambda: _paused(stand_in))
        window.page.goto(url)
        window.settle()
        for name in scene(window):
            window.settle()
            yield name, window


def photograph(
    step: Step, browser: Browser, url: str, stand_in: Process
) -> dict[str, Taken]:
    """Take all screenshots of a step that runs at `url`. Returns their records by key.

    All screenshots of a scene get the height of the tallest page.
    """
    taken = {}
    for scene in SCENES.get(step.name, ()):
        height = max(
            window.page.evaluate("document.documentElement.scrollHeight")
            for _, window in play(scene, browser, url, stand_in)
        )
        for name, window in play(scene, browser, url, stand_in):
            shot = find(step.name, name)
            window.page.set_viewport_size({"width": WIDTH, "height": height})
            for scheme in SCHEMES:
                window.page.emulate_media(color_scheme=scheme)
                shot.path(scheme).write_bytes(png.shrink(window.page.screenshot()))
            taken[shot.key] = Taken(shot.digest(), window.words())
    return taken


@contextlib.contextmanager
def _paused(process: Process) -> Iterator[None]:
    """Suspend a process while the `with` block runs, so that its clients wait."""
    os.kill(process.child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.child.pid, signal.SIGCONT)
