"""Stage 6, explained: what the consumer did between the group and the socket."""

import re
from collections.abc import Iterator

from tutorial.check.inside.handshake import socket_failed, why_refused
from tutorial.check.inside.stage_5_signal import (
    layers,
    not_awaited,
    why_not_broadcast,
)
from tutorial.check.scene import Scene
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event

# Mistakes whose place is the line that joins the group, or that sends the frame.
OF_JOINING = ("frame-twice", "stranger-joins", "socket-without-user")
OF_SENDING = ("frame-without-answer", "frame-not-json", "socket-ends")


def explain(scene: Scene, unmet: Unmet) -> Unmet:
    """Why a socket does not open, or which line lost the message."""
    events = scene.stage_events
    if unmet.mistake == "socket-refused":
        return why_refused(scene, unmet)
    if unmet.mistake == "not-broadcast":
        return why_not_broadcast(scene, unmet, scene.live)
    if unmet.mistake == "no-frame":
        return _no_frame(scene, unmet)
    if unmet.mistake == "origin-unchecked" and (at := _all_hosts(scene)):
        unmet.seen += "; ALLOWED_HOSTS admits every host, and so every origin"
        unmet.at = at
        return unmet
    failed = events.first("socket failed", "consumer failed")
    if failed and unmet.mistake in ("socket-ends", "group-not-left"):
        return socket_failed(scene, failed, unmet.expected)
    if failed and unmet.mistake == "layer-drops-idle-sockets":
        unmet.seen += f" ({failed.error})"
    kind, fields = None, {}
    if unmet.mistake in OF_JOINING:
        kind = "group_add"
    elif unmet.mistake in OF_SENDING:
        kind, fields = "consumer sends", {"type": "websocket.send"}
    elif unmet.mistake == "group-shared":
        kind, fields = "group_send", {"process": "worker"}
    if kind and (found := events.all(kind, **fields)):
        unmet.at = found[-1].at
    return unmet


def _all_hosts(scene: Scene) -> str | None:
    """Where ALLOWED_HOSTS names all hosts, if the origin check reads it."""
    wrappers = scene.survey.get("asgi", {}).get("wrappers", [])
    if "OriginValidator" not in wrappers:
        return None
    return scene.code.find(r"^ALLOWED_HOSTS\s*=.*[\"']\*[\"']", ".py")


def findings(scene: Scene) -> Iterator[Unmet]:
    """The observer knows nothing more."""
    yield from ()


def _no_frame(scene: Scene, unmet: Unmet) -> Unmet:
    """A message was broadcast, and nothing came down the WebSocket."""
    joined = scene.mine.events.first("group_add")
    if joined is None:
        return _not_joined(scene, unmet)
    if "None" in joined["group"]:
        return Unmet(
            "socket-without-user",
            f"the consumer joined the group {joined['group']}",
            expected="a consumer that joins its user's group when the WebSocket opens",
            at=joined.at,
        )
    events = scene.live.events
    sent = events.first("group_send", process="worker")
    if sent is None:
        return unmet
    got = events.first("consumer got")
    if got is None and sent["group"] != joined["group"]:
        return Unmet(
            "group-names-differ",
            f"the consumer joined {joined['group']} ({joined.at}), the handler sent to"
            f" {sent['group']} ({sent.at})",
            expected=unmet.expected,
            at=joined.at,
        )
    return _not_sent(scene, unmet, joined, sent, got)


def _not_joined(scene: Scene, unmet: Unmet) -> Unmet:
    """The consumer is in no group."""
    expected = "a consumer that joins its user's group when the WebSocket opens"
    events = scene.mine.events
    if failed := events.first("socket failed", "consumer failed"):
        return socket_failed(scene, failed, expected)
    if failed := events.first("group_add failed"):
        reason = f"{failed['error']}: {failed['reason']}"
        return Unmet("group-name-refused", reason, expected=expected, at=failed.at)
    calls = scene.code.calls("group_add")
    if lost := not_awaited(scene, calls, expected, stage=6):
        return lost
    if not scene.observed:
        return unmet
    return Unmet(
        "no-group-add",
        "the WebSocket is open, and group_add was never called",
        expected=expected,
        at=calls[0].at if calls else None,
    )


def _not_sent(
    scene: Scene, unmet: Unmet, joined: Event, sent: Event, got: Event | None
) -> Unmet:
    """The consumer is in the group, and no frame came of the message."""
    failed = scene.live.events.first("consumer failed", "socket failed")
    if got and not got["has_method"]:
        routes = scene.survey.get("asgi", {}).get("routes", [])
        where = next((f" ({route['at']})" for route in routes if route["at"]), "")
        own = [method for route in routes for method in route["methods"]]
        return Unmet(
            "wrong-type",
            f'the message\'s type is "{got["type"]}"; {got["consumer"]}{where} has the'
            " methods"
            f" {', '.join(own) or 'of its base class alone'}",
            expected=unmet.expected,
            at=sent.at,
        )
    if failed and "type" in failed.error and sent.get("type") is None:
        seen = f"the message has no type: {failed.error}"
        return Unmet("wrong-type", seen, expected=unmet.expected, at=sent.at)
    if failed:
        return socket_failed(scene, failed, unmet.expected)
    if got and (at := _async_in_sync(scene, got)):
        return Unmet(
            "async-mismatch",
            f"{got['consumer']} is a synchronous consumer, and calls its `async def`"
            " without waiting for it",
            expected=unmet.expected,
            at=at,
            stage=6,
        )
    if got:
        at = got.at or scene.code.find(r"self\.send", ".py")
        seen = f"{got['consumer']} got the message, and sent no frame"
        return Unmet("frame-not-sent", seen, expected=unmet.expected, at=at)
    return Unmet(
        "layers-differ",
        f"the handler sent to {sent['group']} ({sent['layer']}), the consumer joined it"
        f" ({joined['layer']}), and got nothing",
        expected=unmet.expected,
        at=layers(scene) or joined.at,
    )


def _async_in_sync(scene: Scene, got: Event) -> str | None:
    """The line of an `async def` that a synchronous consumer has for the message."""
    kind = re.escape(got["consumer"])
    is_sync = scene.code.find(
        rf"class {kind}\((\w+\.)*(Json)?(WebsocketConsumer|SyncConsumer)", ".py"
    )
    return got.at if is_sync and scene.code.line(got.at).startswith("async ") else None
