"""Stage 6 · consumer: the answer comes down the WebSocket of its visitor alone."""

import contextlib
import json
import time
import urllib.parse

from websockets.exceptions import ConnectionClosed, WebSocketException

from tutorial.check.scene import Scene, Search
from tutorial.check.stages.handshake import (
    NO_SOCKET,
    Opened,
    open_socket,
    shake_hands,
    socket_failed,
)
from tutorial.check.stages.stage_4_worker import first_words, squeeze
from tutorial.check.stages.stage_5_signal import layers, not_awaited
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event, Events
from tutorial.runtime.waiting import wait_for

IDLE = 8.0  # seconds: redis-py 8 closes a blocked connection after 5
EVIL = "http://evil.example"


def check(scene: Scene) -> str:
    """A frame with the answer reaches its user; strangers are refused."""
    with contextlib.ExitStack() as stack:
        mine = stack.enter_context(open_socket(scene))
        other = stack.enter_context(open_socket(scene))
        group = _check_joined(scene, mine)
        _check_joined(scene, other)
        frame = _check_frame(scene, mine, other, group)
        _check_idle(scene, mine, other)
    _check_left(scene, mine)
    _check_strangers(scene, mine)
    path = urllib.parse.urlsplit(mine.url).path
    return f"{path} is open, in the group {group}; a frame came: {frame[:50]}…"


def _check_joined(scene: Scene, opened: Opened) -> str:
    """The consumer has joined a group, as Redis knows it, too."""
    expected = "a consumer that joins its user's group when the WebSocket opens"
    wait_for(
        lambda: opened.events.first(
            "group_add", "group_add failed", "socket failed", "consumer failed"
        ),
        3,
    )
    joined = opened.events.first("group_add")
    if joined is None:
        failed = opened.events.first("socket failed", "consumer failed")
        if failed:
            raise socket_failed(scene, failed, expected)
        if failed := opened.events.first("group_add failed"):
            reason = f"{failed['error']}: {failed['reason']}"
            raise Unmet("group-name-refused", reason, expected=expected, at=failed.at)
        calls = scene.code.calls("group_add")
        if lost := not_awaited(scene, calls, expected, stage=6):
            raise lost
        raise Unmet(
            "no-group-add",
            "the WebSocket is open, and group_add was never called",
            expected=expected,
            at=calls[0].at if calls else scene.code.find(r"def connect\(", ".py"),
        )
    if "None" in joined["group"]:
        raise Unmet(
            "socket-without-user",
            f"the consumer joined the group {joined['group']}",
            expected=expected,
            at=joined.at,
        )
    return joined["group"]


def _receive(opened: Opened, seconds: float) -> str | None:
    try:
        frame = opened.socket.recv(timeout=seconds)
    except (TimeoutError, WebSocketException):
        return None
    text = frame if isinstance(frame, str) else frame.decode(errors="replace")
    opened.frames.append(text)
    return text


def _check_frame(scene: Scene, mine: Opened, other: Opened, group: str) -> str:
    """The answer comes to the one who asked, and to nobody else."""
    search = scene.ask(scene.question("consumer"), mine.visitor)
    sent = search.events.wait(10, "group_send", process="worker")
    if sent is None:
        seen = "with the WebSocket open, nothing was broadcast any more"
        expected = "a broadcast, as before"
        raise Unmet("handler-does-not-send", seen, expected=expected, stage=5)
    frame = _wait_for_frame(scene, mine, search)
    if frame is None:
        raise _no_frame(scene, mine, search, sent, group)
    wanted = _wanted(scene, search)
    if search.question not in frame and wanted not in squeeze(_text_of(frame)):
        seen = f"the frame is {frame[:120]}"
        expected = f"a frame with the answer, “{wanted}…”"
        at = _sends(scene, search.events)
        raise Unmet("frame-without-answer", seen, expected=expected, at=at)
    if frame.lstrip()[:2] in ("{'", '{"') and not _is_json(frame):
        at = _sends(scene, search.events)
        seen = f"the frame is no JSON: {frame[:80]}"
        raise Unmet("frame-not-json", seen, expected="a frame of JSON", at=at)
    # The first visitor's frame would come before the other's own.
    second = scene.ask(scene.question("group"), other.visitor)
    _wait_for_frame(scene, other, second)
    if stranger := next((f for f in other.frames if search.question in f), None):
        sent = search.events.first("group_send", process="worker")
        seen = f"a frame of one visitor's search reached another: {stranger[:80]}"
        expected = "a frame for its own visitor alone"
        raise Unmet("group-shared", seen, expected=expected, at=sent.at, stage=6)
    third = scene.ask(scene.question("frame"), mine.visitor)
    if _wait_for_frame(scene, mine, third) is None:
        failed = third.events.first("socket failed", "consumer failed")
        failed = failed or search.events.first("socket failed", "consumer failed")
        expected = "a frame for each answer, on the same WebSocket"
        if failed:
            raise socket_failed(scene, failed, expected)
        seen = "the first answer came as a frame, the second did not"
        raise Unmet(
            "socket-ends", seen, expected=expected, at=_sends(scene, search.events)
        )
    return frame


def _wait_for_frame(scene: Scene, opened: Opened, search: Search) -> str | None:
    """The frame with the answer; news on the way is passed over.

    Where the consumer fails or has long been silent: the last frame, or None.
    """
    over = ("consumer failed", "socket failed")
    last = None
    for _ in range(20):
        while frame := _receive(opened, 0.5):
            last = frame
            wanted = _wanted(scene, search)
            if wanted and wanted in squeeze(_text_of(frame)):
                return frame
        if search.events.first(*over):
            return _receive(opened, 0.2) or last
        sent = search.events.first("group_send", process="worker")
        if sent and sent["time"] + 2.5 < time.time():
            return last
    return last


def _wanted(scene: Scene, search: Search) -> str:
    """How the API's answer to the search begins; "" where it has given none yet."""
    request = scene.answered(search.question)
    return first_words(request["answer"]) if request else ""


def _sends(scene: Scene, events: Events) -> str | None:
    sent = events.first("consumer sends", type="websocket.send")
    return (sent.at if sent else None) or scene.code.find(r"self\.send", ".py")


def _no_frame(
    scene: Scene, mine: Opened, search: Search, sent: Event, group: str
) -> Unmet:
    """Nothing came down the WebSocket, though the worker broadcast."""
    expected = "a frame with the answer, down the WebSocket"
    got = search.events.first("consumer got")
    if got is None and sent["group"] != group:
        joined = mine.events.first("group_add")
        return Unmet(
            "group-names-differ",
            f"the consumer joined {group} ({joined.at}), the handler sent to"
            f" {sent['group']} ({sent.at})",
            expected=expected,
            at=joined.at,
        )
    failed = search.events.first("consumer failed", "socket failed")
    if got and not got["has_method"]:
        routes = scene.survey.get("asgi", {}).get("routes", [])
        own = [method for route in routes for method in route["methods"]]
        return Unmet(
            "wrong-type",
            f'the message\'s type is "{got["type"]}"; {got["consumer"]} has the methods'
            f" {', '.join(own) or 'of its base class alone'}",
            expected=expected,
            at=sent.at,
        )
    if failed and "type" in failed.error and sent.get("type") is None:
        seen = f"the message has no type: {failed.error}"
        return Unmet("wrong-type", seen, expected=expected, at=sent.at)
    if failed:
        return socket_failed(scene, failed, expected)
    if got:
        at = got.at or scene.code.find(r"self\.send", ".py")
        seen = f"{got['consumer']} got the message, and sent no frame"
        return Unmet("frame-not-sent", seen, expected=expected, at=at)
    joined = mine.events.first("group_add")
    seen = (
        f"the handler sent to {sent['group']} ({sent['layer']}), the consumer joined it"
        f" ({joined['layer']}), and got nothing"
    )
    at = layers(scene) or joined.at
    return Unmet("layers-differ", seen, expected=expected, at=at)


def _is_json(text: str) -> bool:
    with contextlib.suppress(ValueError):
        json.loads(text)
        return True
    return False


def _text_of(frame: str) -> str:
    """The frame's texts, without JSON's escapes."""
    with contextlib.suppress(ValueError):
        return json.dumps(json.loads(frame), ensure_ascii=False).replace("\\n", " ")
    return frame


def _check_idle(scene: Scene, mine: Opened, other: Opened) -> None:
    """Each WebSocket stays open while nothing happens."""
    layer = mine.events.first("group_add")["layer"]
    # Only this layer blocks on Redis for longer than redis-py's default patience.
    seconds = IDLE if layer == "RedisChannelLayer" else 0.1
    for opened in (mine, other):
        try:
            while True:
                opened.frames.append(str(opened.socket.recv(timeout=seconds)))
        except TimeoutError:
            seconds = 0.1
        except ConnectionClosed as error:
            closed = error
            break
    else:
        _check_once(mine)
        _check_once(other)
        return
    failed = opened.events.first("socket failed", "consumer failed")
    why = f" ({failed.error})" if failed else ""
    mistake = (
        "layer-drops-idle-sockets" if layer == "RedisChannelLayer" else "socket-ends"
    )
    raise Unmet(
        mistake,
        f"the idle WebSocket was closed by the server with code {closed.code}{why}",
        expected="a WebSocket that stays open",
        at=scene.code.find(r"RedisChannelLayer", ".py") or layers(scene),
    )


def _check_once(opened: Opened) -> None:
    """No frame came twice."""
    if twice := next((f for f in opened.frames if opened.frames.count(f) > 1), None):
        raise Unmet(
            "frame-twice",
            f"the same frame came twice: {twice[:80]}",
            expected="one frame for one answer",
            at=opened.events.first("group_add").at,
        )


def _check_left(scene: Scene, opened: Opened) -> None:
    """Where a WebSocket closes, its consumer leaves the group."""
    if opened.events.wait(5, "group_discard"):
        return
    failed = opened.events.first("consumer failed", "socket failed")
    expected = "a consumer that leaves its group when the WebSocket closes"
    if failed:
        raise socket_failed(scene, failed, expected)
    raise Unmet(
        "group-not-left",
        "the WebSocket is closed, and group_discard was never called",
        expected=expected,
        at=scene.code.find(r"def disconnect\(|group_discard", ".py")
        or scene.code.find(r"def connect\(", ".py"),
    )


def _check_strangers(scene: Scene, mine: Opened) -> None:
    """Another site's page gets no socket, and who is not signed in gets no group."""
    if _joins(scene, mine.url, mine.visitor.cookie_header, EVIL):
        raise Unmet(
            "origin-unchecked",
            f"a WebSocket with the Origin {EVIL} was opened with the visitor's cookies",
            expected="status 403 for a page of another site",
            at=scene.code.find(r"ProtocolTypeRouter\(|[\"']websocket[\"']", ".py"),
        )
    if joined := _joins(scene, mine.url, "", scene.site.url):
        group = joined["group"] if isinstance(joined, Event) else ""
        if group:
            raise Unmet(
                "stranger-joins",
                f"a WebSocket without a session joined the group {group}",
                expected="a refusal, because there is no user to bring answers to",
                at=joined.at,
            )


def _joins(scene: Scene, url: str, cookies: str, origin: str) -> Event | bool:
    """Whether such a WebSocket opens: True, or the event of its joining a group."""
    events = scene.events.mark()
    try:
        socket = shake_hands(url, cookies, origin)
    except NO_SOCKET:
        return events.first("group_add") or False
    with socket:
        return wait_for(lambda: events.first("group_add"), 0.5) or True
