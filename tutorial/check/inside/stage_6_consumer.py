"""Explains stage 6: what the consumer did between the group and the WebSocket."""

import re
from collections.abc import Iterator

from tutorial.check.blocks import silent_except
from tutorial.check.handlers import async_in_sync, own_layer
from tutorial.check.inside.handshake import socket_failed, why_refused
from tutorial.check.inside.stage_5_signal import (
    layers,
    name_refused,
    not_awaited,
    why_not_broadcast,
)
from tutorial.check.scene import Scene
from tutorial.check.traffic import names_in_redis
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event

# For the mistakes that `OF_JOINING` lists, the report shows the line that joins the
# group. For those that `OF_SENDING` lists, it shows the line that sends the frame.
OF_JOINING = ("stranger-joins", "socket-without-user")
OF_SENDING = (
    *("frame-without-answer", "frame-not-json", "frame-binary"),
    *("frame-twice", "socket-ends"),
)


DIGEST = re.compile(r"[0-9a-f]{40}")
SESSION_KEY = re.compile(r"[0-9a-z]{32}")


def explain(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake if a WebSocket does not open, or if a message is lost.

    For other mistakes, return `unmet`, and add the place if the place is known.
    """
    events = scene.stage_events
    if unmet.mistake == "socket-refused":
        return why_refused(scene, unmet)
    if unmet.mistake == "not-broadcast":
        return why_not_broadcast(scene, unmet, scene.live)
    if unmet.mistake == "no-frame":
        return _no_frame(scene, unmet)
    if unmet.mistake == "origin-unchecked" and (at := _all_hosts(scene)):
        unmet.seen += "; ALLOWED_HOSTS allows every host, and therefore every origin"
        unmet.at = at
        return unmet
    failed = events.first("socket failed", "consumer failed")
    if failed and unmet.mistake in ("socket-ends", "group-not-left"):
        return socket_failed(scene, failed, unmet.expected)
    if failed and unmet.mistake == "layer-drops-idle-sockets":
        unmet.seen += f" ({failed.error})"
    if unmet.mistake == "frame-without-answer" and not _got(scene):
        # This frame does not belong to a search. It may be a greeting, for example.
        return _no_frame(scene, Unmet("no-frame", unmet.seen, expected=unmet.expected))
    if unmet.mistake == "frame-without-answer" and "frame is <" in unmet.seen:
        unmet.at = scene.code.find(r"\brender_to_string\(", ".py")
        return unmet
    kind, fields = None, {}
    if unmet.mistake in OF_JOINING:
        kind = "group_add"
    elif unmet.mistake in OF_SENDING:
        kind, fields = "consumer sends", {"type": "websocket.send"}
    elif unmet.mistake == "group-shared":
        kind, fields = "group_send", {"process": "worker"}
    if kind and (found := events.all(kind, **fields)):
        unmet.at = found[-1].at
    if unmet.mistake == "socket-ends" and unmet.at:
        file = unmet.at.rpartition(":")[0]
        unmet.at = scene.code.find(r"self\.close\(", file) or unmet.at
    return unmet


def _got(scene: Scene) -> bool:
    """Whether the consumer has a method for the message; True if unknown."""
    got = scene.live.events.first("consumer got")
    return not scene.observed or bool(got and got["has_method"])


def _all_hosts(scene: Scene) -> str | None:
    """Return the place where ALLOWED_HOSTS allows all hosts, or None.

    Also return None if no origin check reads this setting.
    """
    wrappers = scene.survey.get("asgi", {}).get("wrappers", [])
    if "OriginValidator" not in wrappers:
        return None
    return scene.code.find(r"^ALLOWED_HOSTS\s*=.*[\"']\*[\"']", ".py")


def findings(scene: Scene) -> Iterator[Unmet]:
    """Yield nothing: the observer has no findings at this stage."""
    yield from ()


def _no_frame(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake that explains why a broadcast caused no frame."""
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
        new = r"session\.(create|cycle_key|flush)\("
        keys = [SESSION_KEY.search(one["group"]) for one in (joined, sent)]
        if all(keys) and (at := scene.code.find(new, ".py")):
            seen = f"the consumer joined {joined['group']}, but the handler sent to"
            seen += f" {sent['group']}: two sessions of one visitor"
            return Unmet(
                "session-changes", seen, expected=unmet.expected, at=at, stage=6
            )
        key = r"^SECRET_KEY\b.*(random|token_|uuid|urandom)"
        digests = [DIGEST.search(one["group"]) for one in (joined, sent)]
        if all(digests) and (at := scene.code.find(key, ".py")):
            seen = f"the consumer joined {joined['group']}, but the handler sent to"
            seen += f" {sent['group']}; the line is: {scene.code.line(at)}"
            return Unmet("key-of-each-process", seen, expected=unmet.expected, at=at)
        return Unmet(
            "group-names-differ",
            f"the consumer joined {joined['group']} ({joined.at}), but the handler sent"
            f" to {sent['group']} ({sent.at})",
            expected=unmet.expected,
            at=joined.at,
        )
    return _not_sent(scene, unmet, joined, sent, got)


def _not_joined(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake that explains why the consumer is in no group."""
    expected = "a consumer that joins its user's group when the WebSocket opens"
    events = scene.mine.events
    if failed := events.first("socket failed", "consumer failed"):
        return socket_failed(scene, failed, expected)
    if failed := events.first("group_add failed"):
        reason = f"{failed['error']}: {failed['reason']}"
        return name_refused(scene, failed) or Unmet(
            "layer-refuses", reason, expected=expected, at=failed.at, stage=6
        )
    calls = scene.code.calls("group_add")
    if lost := not_awaited(scene, calls, expected, stage=6):
        return lost
    if not scene.observed:
        return unmet
    at = calls[0].at if calls else None
    seen = "the WebSocket is open, but group_add was never called"
    if hides := silent_except(scene.code, at):
        seen += f"; an exception is caught silently at: {scene.code.line(hides)}"
        return Unmet("consumer-drops-error", seen, expected=expected, at=hides)
    return Unmet("no-group-add", seen, expected=expected, at=at)


def _not_sent(
    scene: Scene, unmet: Unmet, joined: Event, sent: Event, got: Event | None
) -> Unmet:
    """Return the mistake if the consumer is in the group, but sent no frame."""
    failed = scene.live.events.first("consumer failed", "socket failed")
    if got and not got["has_method"]:
        routes = scene.survey.get("asgi", {}).get("routes", [])
        where = next((f" ({route['at']})" for route in routes if route["at"]), "")
        own = [method for route in routes for method in route["methods"]]
        return Unmet(
            "wrong-type",
            f'the message\'s type is "{got["type"]}"; {got["consumer"]}{where} has no'
            f" such method{'; it has ' + ', '.join(own) if own else ''}",
            expected=unmet.expected,
            at=sent.at,
        )
    if failed and "type" in failed.error and sent.get("type") is None:
        seen = f"the message has no type: {failed.error}"
        return Unmet("wrong-type", seen, expected=unmet.expected, at=sent.at)
    if failed:
        return socket_failed(scene, failed, unmet.expected)
    if got and (at := async_in_sync(scene.code, got)):
        return Unmet(
            "async-mismatch",
            f"{got['consumer']} is a synchronous consumer, and calls its `async def`"
            " without waiting for it",
            expected=unmet.expected,
            at=at,
            stage=6,
        )
    if got:
        return not_sent_by_consumer(scene, got, unmet.expected)
    return _layers_differ(scene, unmet, joined, sent)


def not_sent_by_consumer(scene: Scene, got: Event, expected: str) -> Unmet:
    """Return the mistake to report if the consumer got a message but sent no frame."""
    at = got.at or scene.code.find(r"self\.send", ".py")
    seen = f"{got['consumer']} received the message, but sent no frame"
    if hides := silent_except(scene.code, at):
        seen += f"; an exception is caught silently at: {scene.code.line(hides)}"
        return Unmet("consumer-drops-error", seen, expected=expected, at=hides)
    return Unmet("frame-not-sent", seen, expected=expected, at=at)


def lost_message(scene: Scene) -> Event | None:
    """Return the last message that the consumer got, if no frame followed it.

    Otherwise, return None. Only the events of this stage count.
    """
    events = scene.stage_events
    got = events.all("consumer got", has_method=True)
    frames = events.all("consumer sends", type="websocket.send")
    if got and not any(frame["time"] >= got[-1]["time"] for frame in frames):
        return got[-1]
    return None


def _layers_differ(scene: Scene, unmet: Unmet, joined: Event, sent: Event) -> Unmet:
    """Return the mistake if a consumer in a group does not get the group's message."""
    at = own_layer(scene.code, sent.at)
    group = sent["group"]
    seen = f"the handler ({sent.at}) has sent to {group}, which the consumer has joined"
    sends, hears = names_in_redis(scene.redis.since(scene.mine.mark, "group"), group)
    if sent["layer"] != joined["layer"]:
        seen += f", through a {sent['layer']}; the consumer uses a {joined['layer']}"
    elif sends and hears and not set(sends) & set(hears):
        seen += f"; in Redis, the group's name is {sends[-1]} for the handler, and"
        seen += f" {hears[-1]} for the consumer"
    if at:
        seen += f"; this line creates another layer: {scene.code.line(at)}"
        expected = unmet.expected
        return Unmet("layer-of-its-own", seen, expected=expected, at=at, stage=5)
    at = layers(scene) or joined.at
    return Unmet("layers-differ", seen, expected=unmet.expected, at=at)
