"""Explains why a WebSocket does not open."""

from tutorial.check.exceptions import of_consumer
from tutorial.check.inside.stage_5_signal import layers, name_refused
from tutorial.check.scene import Scene, last_words
from tutorial.check.stages.stage_6_consumer import HANDSHAKE
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event
from tutorial.runtime.waiting import wait_for


def why_refused(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake that explains why a handshake failed or got no response."""
    path = unmet.expected.rpartition(" ")[2]
    status = unmet.__cause__.status
    if failed := scene.stage_events.wait(0.5, "socket failed", "consumer failed"):
        return socket_failed(scene, failed, unmet.expected)
    if status is None:
        return _not_opened(scene, unmet, path)
    return _refused(scene, unmet, path, status)


def _refused(scene: Scene, unmet: Unmet, path: str, status: int) -> Unmet:
    """Return the mistake that explains a response with a status such as 403."""
    expected, seen, events = unmet.expected, unmet.seen, scene.stage_events
    settings = scene.survey.get("settings", {})
    asgi = scene.survey.get("asgi", {})
    if status == 404 and "daphne" not in settings.get("apps", ["daphne"]):
        return Unmet(
            "daphne-missing",
            f"{seen}: the development server is Django's own, which supports only HTTP",
            expected=expected,
        )
    if status == 404 and "application" not in asgi:
        return Unmet("asgi-application-missing", seen, expected=expected)
    if "websocket" not in asgi.get("protocols", ["websocket"]):
        return Unmet("no-websocket-protocol", seen, expected=expected)
    if status in (404, 500) and _no_route(scene):
        return _no_such_route(scene, path, expected)
    closed = events.first("consumer sends", type="websocket.close")
    # If the origin is wrong, Channels runs its consumer WebsocketDenier instead.
    if closed and closed["consumer"] != "WebsocketDenier":
        return _denied(scene, closed, seen, expected)
    if status == 403 and (closed or "OriginValidator" in asgi.get("wrappers", [])):
        return Unmet(
            "origin-refused",
            f"{seen}, before the consumer started; the request had the Origin"
            f" {scene.site.url}",
            expected=expected,
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


def _no_route(scene: Scene) -> bool:
    """Whether the web process printed that it has no route for the address."""
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
        seen = f"{seen}: the consumer got no signed-in user, and refused the WebSocket"
        if "AuthMiddleware" in wrappers:
            mistake = "consumer-refuses"
            if scene.search and not _has_session(scene):
                seen += "; the visitor has no session"
                at = scene.code.find(r"request\.user\s*=", ".py") or scene.view
                return Unmet("user-none", seen, expected=expected, at=at, stage=6)
        at = closed.at or scene.code.find(r"ProtocolTypeRouter\(", ".py")
        return Unmet(mistake, seen, expected=expected, at=at)
    seen = f"{seen}: the consumer refused the signed-in user {closed['user']}"
    return Unmet("consumer-refuses", seen, expected=expected, at=closed.at)


def _has_session(scene: Scene) -> bool:
    """Whether a visitor has a cookie besides the CSRF cookie."""
    return any(cookie.name != "csrftoken" for cookie in scene.search.visitor.cookies)


def socket_failed(scene: Scene, failed: Event, expected: str) -> Unmet:
    """Return the mistake that explains an exception in the consumer."""
    mistake = of_consumer(failed)
    if mistake == "socket-without-user":
        return Unmet(
            "socket-without-user",
            f"the consumer reads scope['user'] ({failed.at}), which does not exist",
            expected=expected,
            at=scene.code.find(r"URLRouter\(", ".py") or failed.at,
        )
    if found := name_refused(scene, failed):
        return found
    if mistake == "layer-missing":
        at = layers(scene) or failed.at
        seen = "the consumer has no channel layer: it is None"
        return Unmet("layer-missing", seen, expected=expected, at=at, stage=5)
    if mistake == "async-mismatch":
        return Unmet(
            "async-mismatch",
            f"{failed.error}: every method of an asynchronous consumer is awaited, so"
            " each must be `async def`",
            expected=expected,
            at=failed.at or scene.code.find(r"^    def \w+\(self, event", ".py"),
            stage=6,
        )
    line = scene.code.line(failed.at)
    expected = f"{expected}; the line is: {line}" if line else expected
    return Unmet("consumer-raises", failed.error, expected=expected, at=failed.at)


def _not_opened(scene: Scene, unmet: Unmet, path: str) -> Unmet:
    """Return the mistake that explains why a handshake got no valid response."""
    if _no_route(scene):
        return _no_such_route(scene, path, unmet.expected)
    routes = scene.survey.get("asgi", {}).get("routes", [])
    at = next((route["at"] for route in routes if route["at"]), None)
    events = scene.stage_events
    if events.first("consumer starts") and not events.first("consumer sends"):
        connects = scene.code.find(r"def connect\(", ".py") or at
        seen = f"{path} was neither accepted nor refused in {HANDSHAKE:g} s"
        return Unmet("never-accepted", seen, expected=unmet.expected, at=connects)
    seen = f"{unmet.seen}; web says: {last_words(scene.lines('web'))}"
    at = at or scene.code.find(r"ProtocolTypeRouter\(", ".py")
    return Unmet("socket-refused", seen, expected=unmet.expected, at=at)
