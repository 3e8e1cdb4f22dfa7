"""Stage 7 · browser: the answer appears in the page, and the page is never reloaded."""

import contextlib
import uuid
from typing import Any

from tutorial.specifications.site import Site, Unmet

MISSING = "The browser left the page when the form was sent: it was loaded again"

SECONDS = 10.0

# Lets the specification see whether the page's sockets are open.
KEEP_SOCKETS = """
window.socketsOfThePage = [];
window.WebSocket = class extends WebSocket {
  constructor(...options) {
    super(...options);
    window.socketsOfThePage.push(this);
  }
};
"""
ALL_OPEN = (
    "socketsOfThePage.length && socketsOfThePage.every((s) => s.readyState === 1)"
)


def check(site: Site) -> str:
    """A frame arrives and the answer is in the DOM, in the page that sent the form."""
    from playwright.sync_api import Error

    context = site.browser.new_context()
    with contextlib.closing(context):
        context.add_init_script(KEEP_SOCKETS)
        page = context.new_page()
        frames: list[str] = []
        page.on(
            "websocket", lambda s: s.on("framereceived", lambda f: frames.append(f))
        )
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(site.url)
        try:
            page.wait_for_function(ALL_OPEN, timeout=SECONDS * 1000)
        except Error as error:
            raise Unmet("The page's WebSocket does not open") from error
        loads: list[str] = []
        page.on("framenavigated", lambda frame: loads.append(frame.url))
        question = f"What is the DOM? {uuid.uuid4()}"
        page.locator("form input[type=text], form input[type=search]").fill(question)
        page.locator("form [type=submit], form button").first.click()
        try:
            _wait_for_text(page, "Search has started!")
            if loads:
                raise Unmet(MISSING)
            _wait_for_text(page, "offline stand-in")
        except Error as error:
            thrown = f"; the page's script threw: {errors[0]}" if errors else ""
            raise Unmet(f"{error.message.splitlines()[0]}{thrown}") from error
        if loads:
            raise Unmet(MISSING)
        if not any(question in str(frame) for frame in frames):
            raise Unmet("The answer is in the page, but no frame brought it")
    return f"“{question[:20]}…” is in the page, brought by a frame, without a reload"


def _wait_for_text(page: Any, text: str) -> None:
    page.get_by_text(text).first.wait_for(timeout=SECONDS * 1000)
