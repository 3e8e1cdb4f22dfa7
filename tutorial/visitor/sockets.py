"""A visitor's WebSocket, opened by this program or by a page in a browser."""

import contextlib
from collections.abc import Sequence
from http.cookies import SimpleCookie
from typing import Any

from playwright.sync_api import Error
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from tutorial.runtime.waiting import pause_in, wait_for
from tutorial.visitor.visitor import Visitor

# KEEP_SOCKETS and FAKE_SOCKETS run in a page before the page's own scripts.

# Stores the page's WebSockets in a list.
KEEP_SOCKETS = """
window.socketsOfThePage = [];
window.WebSocket = class extends WebSocket {
  constructor(...options) {
    super(...options);
    window.socketsOfThePage.push(this);
  }
};
"""

# True if the page has created WebSockets, and all of them are open.
ALL_OPEN = (
    "socketsOfThePage.length && socketsOfThePage.every((s) => s.readyState === 1)"
)

# Replaces the page's WebSockets with fakes that never connect. `happen("open")` and
# `happen("close")` trigger the events of a fake.
FAKE_SOCKETS = """
window.socketsOfThePage = [];
window.WebSocket = class FakeWebSocket extends EventTarget {
  static CONNECTING = 0; static OPEN = 1; static CLOSING = 2; static CLOSED = 3;
  constructor(url, protocols) {
    super();
    const address = new URL(url, document.baseURI);  // it may be relative
    address.protocol = address.protocol.replace("http", "ws");
    this.url = address.href;
    this.protocols = [protocols ?? []].flat();
    this.readyState = 0;
    window.socketsOfThePage.push(this);
  }
  send() {}
  close() {}
  happen(name) {
    this.readyState = name === "open" ? 1 : 3;
    const event =
      name === "close" ? new CloseEvent(name, {code: 1006}) : new Event(name);
    try {
      this[`on${name}`]?.(event);
    } catch (error) {
      reportError(error);
    }
    this.dispatchEvent(event);
  }
};
"""


class NoSocket(Exception):
    """Raised if a WebSocket does not open.

    `status` is the HTTP status if the server refused the WebSocket, or else None.
    """

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status


def open_socket(
    visitor: Visitor,
    origin: str | None = None,
    *,
    url: str | None = None,
    protocols: Sequence[str] = (),
    patience: float = 10,
) -> ClientConnection:
    """Open the visitor's WebSocket at `url`, or at the address that the steps use.

    `origin` is the site whose page opens the WebSocket, by default the project itself.
    `protocols` are the subprotocols that the page's script names. Raises NoSocket if
    the WebSocket is refused, or is not open after `patience` seconds.
    """
    cookies = visitor.cookie_header
    try:
        opened = connect(
            url or visitor.site.socket_url,
            origin=origin or visitor.site.url,
            additional_headers={"Cookie": cookies} if cookies else {},
            subprotocols=list(protocols) or None,
            open_timeout=patience,
            close_timeout=1,
        )
        for text in opened.response.headers.get_all("Set-Cookie"):
            given = SimpleCookie(text)
            visitor.take_cookies({name: morsel.value for name, morsel in given.items()})
        return opened
    except InvalidStatus as error:
        status = error.response.status_code
        words = f"The WebSocket was refused with status {status}"
        raise NoSocket(words, status) from error
    except (WebSocketException, OSError) as error:
        raise NoSocket(f"{type(error).__name__}: {error}") from error


def wait_in(page: Any, expression: str, seconds: float) -> bool:
    """Wait until the JavaScript `expression` is true in the page.

    Returns whether it became true within `seconds`. Playwright's `wait_for_function`
    uses `eval`, which fails in a page whose Content Security Policy forbids it.
    """

    def is_true() -> bool:
        with contextlib.suppress(Error):  # the page may be reloading
            return bool(page.evaluate(expression))
        return False

    return wait_for(is_true, seconds, pause_in(page))
