"""The WebSockets of a page, kept where a test in the browser finds them."""

import contextlib
from typing import Any

from tutorial.runtime.waiting import wait_for

# A script for the page, to run before its own.
KEEP_SOCKETS = """
window.socketsOfThePage = [];
window.WebSocket = class extends WebSocket {
  constructor(...options) {
    super(...options);
    window.socketsOfThePage.push(this);
  }
};
"""

# Whether the page has opened some, and all are open.
ALL_OPEN = (
    "socketsOfThePage.length && socketsOfThePage.every((s) => s.readyState === 1)"
)


def wait_in(page: Any, expression: str, seconds: float) -> bool:
    """Whether the JavaScript `expression` comes true in the page, in so many seconds.

    Playwright's `wait_for_function` looks by `eval`, and fails where it has to look
    twice in a page whose Content Security Policy forbids that.
    """
    from playwright.sync_api import Error

    def is_true() -> bool:
        with contextlib.suppress(Error):  # the page is being loaded again, perhaps
            return bool(page.evaluate(expression))
        return False

    return wait_for(is_true, seconds, lambda: page.wait_for_timeout(20))
