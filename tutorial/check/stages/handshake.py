"""A visitor's WebSocket, opened as the page's script would: or why it does not open."""

import contextlib
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from tutorial.check.scene import Scene, last_words
from tutorial.check.stages.stage_1_template import FAKE_SOCKETS
from tutorial.check.stages.stage_5_signal import layers
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event, Events
from tutorial.runtime.waiting import wait_for
from tutorial.visitor.sockets import wait_in
from tutorial.visitor.visitor import Visitor

HANDSHAKE = 5.0  # seconds

# What `shake_hands` raises where no WebSocket is opened.
NO_SOCKET = (WebSocketException, TimeoutError, OSError)


@dataclass(frozen=True)
class Opened:
    """A visitor's open WebSocket, and the events since it was asked for."""

    visitor: Visitor
    url: str  # of the WebSocket
    socket: ClientConnection
    events: Events
    frames: list[str] = field(default_factory=list)  # that came down so far


def socket_url(scene: Scene, visitor: Visitor) -> str:
    """The address of the WebSocket that the visitor's page opens."""
    answer = visitor.get()
    if scene.browser:
        with contextlib.closing(scene.browser.new_context()) as context:
            context.add_cookies(
                [
                    {"name": cookie.name, "value": cookie.value, "url": scene.site.url}
                    for cookie in visitor.cookies
                ]
            )
            page = context.new_page()
            page.add_init_script(FAKE_SOCKETS)
            page.goto(visitor.page_url)
            wait_in(page, "socketsOfThePage.length", 2)
            return page.evaluate("socketsOfThePage[0]?.url ?? ''")
    sources = list(answer.page.inline_scripts)
    sources += [visitor.get(address).html for address in answer.page.scripts]
    for source in sources:
        if match := re.search(r"new WebSocket\([^)]*?(/[\w/.-]*/?)[`\"']", source):
            return scene.site.url.replace("http", "ws", 1) + match[1]
    routes = scene.survey.get("asgi", {}).get("routes", [])
    path = routes[0]["path"] if routes else "/ws/search/"
    return scene.site.url.replace("http", "ws", 1) + path


def shake_hands(url: str, cookies: str, origin: str) -> ClientConnection:
    """Open a WebSocket with these cookies and this Origin. Raises one of NO_SOCKET."""
    return connect(
        url,
        origin=origin,
        additional_headers={"Cookie": cookies} if cookies else {},
        open_timeout=HANDSHAKE,
        close_timeout=1,
    )


@contextlib.contextmanager
def open_socket(scene: Scene) -> Iterator[Opened]:
    """A new visitor's WebSocket. Raises Unmet where it does not open."""
    visitor = scene.visitor()
    url = socket_url(scene, visitor)
    events = scene.events.mark()
    path = urllib.parse.urlsplit(url).path
    try:
        socket = shake_hands(url, visitor.cookie_header, scene.site.url)
    except InvalidStatus as error:
        raise _refused(scene, path, events, error.response.status_code) from error
    except NO_SOCKET as error:
        raise _not_opened(scene, path, events, error) from error
    with socket:
        yield Opened(visitor, url, socket, events)


def _refused(scene: Scene, path: str, events: Events, status: int) -> Unmet:
    """Why the handshake was answered with a status such as 404 or 403."""
    expected = f"a WebSocket that opens at {path}"
    seen = f"{path} was answered with status {status}"
    settings, asgi = scene.survey["settings"], scene.survey.get("asgi", {})
    if failed := events.wait(0.5, "socket failed", "consumer failed"):
        return socket_failed(scene, failed, expected)
    if status == 404 and "daphne" not in settings["apps"]:
        return Unmet(
            "daphne-missing",
            f"{seen}: the development server is Django's own, which speaks HTTP alone",
            expected=expected,
            at=scene.code.find(r"^INSTALLED_APPS", ".py"),
        )
    if status == 404 and "application" not in asgi:
        at = scene.code.find(r"^INSTALLED_APPS", ".py")
        return Unmet("asgi-application-missing", seen, expected=expected, at=at)
    if "websocket" not in asgi.get("protocols", ["websocket"]):
        at = scene.code.find(r"ProtocolTypeRouter\(", ".py")
        return Unmet("no-websocket-protocol", seen, expected=expected, at=at)
    if status in (404, 500) and _no_route(scene, path):
        return _no_such_route(scene, path, expected)
    closed = events.first("consumer sends", type="websocket.close")
    # The origin check refuses by a consumer of its own.
    if closed and closed["consumer"] != "WebsocketDenier":
        return _denied(scene, closed, seen, expected)
    if status == 403 and (closed or "OriginValidator" in asgi.get("wrappers", [])):
        return Unmet(
            "origin-refused",
            f"{seen}, before it reached the consumer; its Origin was {scene.site.url}",
            expected=expected,
            at=scene.code.find(r"OriginValidator\(|^ALLOWED_HOSTS", ".py"),
        )
    at = scene.code.find(r"ProtocolTypeRouter\(", ".py")
    wait_for(lambda: "Traceback" in str(scene.lines("web")), 2)
    lines = scene.lines("web")
    if "as_asgi" in str(lines):
        at = scene.code.find(r"\bas_asgi\b(?!\()", ".py")
        seen += f": {last_words(lines)}"
        return Unmet("brackets", seen, expected=expected, at=at, stage=6)
    if "Traceback" in str(lines):
        seen += f": {last_words(lines)}"
        at = scene.place_in(lines) or at
    return Unmet("socket-refused", seen, expected=expected, at=at)


def _no_route(scene: Scene, path: str) -> bool:
    """Whether the web process says that it knows no such address."""
    return bool(
        wait_for(
            lambda: any("No route found" in line for line in scene.lines("web")), 1
        )
    )


def _no_such_route(scene: Scene, path: str, expected: str) -> Unmet:
    routes = scene.survey.get("asgi", {}).get("routes", [])
    known = ", ".join(route["path"] for route in routes) or "none"
    script = scene.code.find(r"new WebSocket\(", ".js", ".html")
    pattern = r"websocket_urlpatterns|URLRouter\(|re_path\(|as_asgi\("
    return Unmet(
        "route-mismatch",
        f"the script opens {path} ({script}); the routes are: {known}",
        expected=expected,
        at=scene.code.find(r"as_asgi\(", ".py") or scene.code.find(pattern, ".py"),
    )


def _denied(scene: Scene, closed: Event, seen: str, expected: str) -> Unmet:
    wrappers = scene.survey.get("asgi", {}).get("wrappers", [])
    if closed["user"] is None:
        mistake = "socket-without-user"
        seen = f"{seen}: the consumer refused it, because it saw no signed-in user"
        if "AuthMiddleware" in wrappers:
            mistake = "consumer-refuses"
        at = closed.at or scene.code.find(r"ProtocolTypeRouter\(", ".py")
        return Unmet(mistake, seen, expected=expected, at=at)
    seen = f"{seen}: the consumer refused the signed-in user {closed['user']}"
    return Unmet("consumer-refuses", seen, expected=expected, at=closed.at)


def socket_failed(scene: Scene, failed: Event, expected: str) -> Unmet:
    """An exception in the consumer, as a mistake."""
    if failed["error"] == "KeyError" and failed.get("message") in (
        "'user'",
        "'session'",
    ):
        return Unmet(
            "socket-without-user",
            "the consumer asked for scope['user'], and the scope has none",
            expected=expected,
            at=failed.at,
        )
    if "group_add" in failed.error and "NoneType" in failed.error:
        at = layers(scene) or failed.at
        seen = "the consumer has no channel layer: it is None"
        return Unmet("layer-missing", seen, expected=expected, at=at, stage=5)
    line = scene.code.line(failed.at)
    expected = f"{expected}; the line is: {line}" if line else expected
    return Unmet("consumer-raises", failed.error, expected=expected, at=failed.at)


def _not_opened(scene: Scene, path: str, events: Events, error: Exception) -> Unmet:
    """The handshake got no answer at all, or a broken one."""
    expected = f"a WebSocket that opens at {path}"
    if failed := events.first("socket failed", "consumer failed"):
        return socket_failed(scene, failed, expected)
    if _no_route(scene, path):
        return _no_such_route(scene, path, expected)
    asgi = scene.survey.get("asgi", {})
    at = next((r["at"] for r in asgi.get("routes", []) if r["at"]), None)
    reached = events.first("consumer starts")
    if reached and not events.first("consumer sends"):
        connects = scene.code.find(r"def connect\(", ".py") or at
        seen = f"{path} was neither accepted nor refused in {HANDSHAKE:g} s"
        return Unmet("never-accepted", seen, expected=expected, at=connects)
    seen = (
        f"{type(error).__name__}: {error}; web says: {last_words(scene.lines('web'))}"
    )
    at = at or scene.code.find(r"ProtocolTypeRouter\(", ".py")
    return Unmet("socket-refused", seen, expected=expected, at=at)
