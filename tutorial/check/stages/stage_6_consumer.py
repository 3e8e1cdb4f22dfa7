"""Stage 6 · consumer: only the visitor who asked gets the answer, by WebSocket."""

import contextlib
import json
import re
import time
import urllib.parse
from collections.abc import Iterator

from websockets.exceptions import ConnectionClosed

from tutorial.check.scene import DONE, Opened, Scene, Search, first_words, squeeze
from tutorial.check.stages.browsing import brings
from tutorial.check.stages.stage_5_signal import broadcast_of, not_broadcast
from tutorial.check.traffic import joined, left
from tutorial.check.unmet import Unmet
from tutorial.runtime.waiting import wait_for
from tutorial.visitor.sockets import FAKE_SOCKETS, NoSocket, open_socket, wait_in
from tutorial.visitor.visitor import Visitor

HANDSHAKE = 5.0  # seconds that a WebSocket may take to open
JOINED = 3.0  # seconds until a consumer must have joined its group
# Stop waiting for frames after this many seconds without a frame or a broadcast.
QUIET = 2.5
LEFT = 5.0  # seconds until a consumer must have left its group
IDLE = 8.0  # seconds to stay idle; redis-py 8 closes a blocked connection after 5 s

FIRST_SOCKET = "[socketsOfThePage[0]?.url ?? '', socketsOfThePage[0]?.protocols ?? []]"

EVIL = "http://evil.example"


def look(scene: Scene) -> str:
    """Check that the frames of two answers reach the user who asked."""
    mine = scene.mine = _open(scene)
    other = scene.other = _open(scene)
    search = scene.live = scene.ask(scene.question("consumer"), mine.visitor)
    if broadcast_of(scene, search, DONE) is None:
        seen = "once the WebSocket was open, nothing was broadcast"
        raise not_broadcast(scene, search, seen)
    frame = _wait_for_frame(scene, mine, search)
    if frame is None:
        raise Unmet(
            "no-frame",
            "the message for the group was published, but no frame came",
            expected="a frame with the answer, through the WebSocket",
        )
    wanted = _wanted(scene, search)
    if search.question not in frame and not brings([*mine.frames, frame], wanted):
        seen = f"the frame is {frame[:120]}"
        expected = f"a frame with the answer, “{wanted}…”"
        raise Unmet("frame-without-answer", seen, expected=expected)
    # If the first visitor's frames also reach the second visitor, they arrive before
    # the second visitor's own frame.
    second = scene.ask(scene.question("group"), other.visitor)
    third = scene.ask(scene.question("frame"), mine.visitor)
    if _wait_for_frame(scene, mine, third) is None:
        raise Unmet(
            "socket-ends",
            "the first answer came as a frame, but the second did not",
            expected="a frame for each answer, on the same WebSocket",
        )
    _wait_for_frame(scene, other, second)
    path = urllib.parse.urlsplit(mine.url).path
    group = f", in the group {mine.groups[0]}" if mine.groups else ""
    return f"{path} is open{group}; a frame came: {frame[:50]}…"


def beyond(scene: Scene) -> str:
    """Return a text: whether the WebSocket opens, and which group its consumer joins.

    This is used if the flow breaks before this stage.
    """
    if not _socket_url(scene, scene.visitor())[0]:
        return ""  # the page opens no WebSocket, or only after a question
    scene.mine = _open(scene)
    path = urllib.parse.urlsplit(scene.mine.url).path
    group = f", and joins the group {scene.mine.groups[0]}" if scene.mine.groups else ""
    return f"the WebSocket at {path} opens{group}"


def findings(scene: Scene) -> Iterator[Unmet]:
    """Check the frames and the WebSockets.

    A frame must be JSON, and must reach only the visitor who asked, exactly once. An
    idle WebSocket must stay open, and other sites and other visitors must not be able
    to use it. When a WebSocket closes, its consumer must leave the group.
    """
    mine, other, question = scene.mine, scene.other, scene.live.question
    frame = next((f for f in mine.frames if question in f), mine.frames[-1])
    if frame.lstrip()[:2] in ("{'", '{"') and not _is_json(frame):
        seen = f"the frame is not JSON: {frame[:80]}"
        yield Unmet("frame-not-json", seen, expected="a frame of JSON")
    # If stage 7 is checked, too, its check shows whether the page reads binary frames.
    if scene.number == 6 and mine.binary:
        found = binary_frame(mine.binary[0])
        found.finding = "differs"
        yield found
    if foreign := next((f for f in other.frames if question in f), None):
        yield Unmet(
            "group-shared",
            f"a frame of one visitor's search reached another visitor: {foreign[:80]}",
            expected="a frame that reaches only the visitor who asked",
            stage=6,
        )
    yield from _idle(scene)
    _close(scene)
    yield from _strangers(scene)


def _open(scene: Scene) -> Opened:
    """Open a new visitor's WebSocket. Raises Unmet if it does not open."""
    visitor = scene.visitor()
    url, protocols = _socket_url(scene, visitor)
    mark, events = scene.now()
    path = urllib.parse.urlsplit(url).path
    try:
        opened = open_socket(visitor, url=url, protocols=protocols, patience=HANDSHAKE)
        socket = scene.keep(opened)
    except NoSocket as error:
        seen = f"{path} did not open: {error}"
        if error.status:
            seen = f"{path} was answered with status {error.status}"
        expected = f"a WebSocket that opens at {path}"
        raise Unmet("socket-refused", seen, expected=expected) from error
    # If the first consumer joined no group, do not wait for the second one to join.
    patience = JOINED if scene.mine is None or scene.mine.groups else 0
    groups = wait_for(lambda: _joined(scene, mark), patience)
    return Opened(visitor, url, socket, groups, mark, events, protocols)


def _joined(scene: Scene, mark: int) -> list[str]:
    """Return the groups that have been joined since the position `mark`."""
    return joined(scene.redis.since(mark, "group"))


def _socket_url(scene: Scene, visitor: Visitor) -> tuple[str, list[str]]:
    """Return the address and subprotocols of the WebSocket of the visitor's page."""
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
            return tuple(page.evaluate(FIRST_SOCKET))
    sources = list(answer.page.inline_scripts)
    sources += [visitor.get(address).html for address in answer.page.scripts]
    path = scene.socket_path
    for source in sources:
        if match := re.search(r"new WebSocket\([^)]*?(/[\w/.-]*/?)[`\"']", source):
            path = match[1]
    return scene.site.url.replace("http", "ws", 1) + path, []


def _receive(opened: Opened, seconds: float) -> str | None:
    """Return the next frame, or None if no frame comes in the given seconds.

    Raises ConnectionClosed if the WebSocket is closed.
    """
    try:
        frame = opened.socket.recv(timeout=seconds)
    except TimeoutError:
        return None
    text = frame if isinstance(frame, str) else frame.decode(errors="replace")
    opened.frames.append(text)
    if isinstance(frame, bytes):
        opened.binary.append(text)
    return text


def _wait_for_frame(scene: Scene, opened: Opened, search: Search) -> str | None:
    """Wait for the frame with the answer, or with its last piece.

    Return that frame. If it does not arrive, return the last frame, or None.
    """
    first, last, sent = len(opened.frames), None, 0
    end = time.monotonic() + DONE
    quiet = time.monotonic() + QUIET
    while time.monotonic() < min(quiet, end):
        try:
            frame = _receive(opened, 0.1)
        except ConnectionClosed:
            break
        wanted = _wanted(scene, search)
        if frame and wanted and brings(opened.frames[first:], wanted):
            return frame
        count = len(scene.broadcasts_since(search.mark))
        if frame or count > sent or not count:
            quiet = time.monotonic() + QUIET
        # A frame that arrives before the API's answer cannot contain it.
        last, sent = (frame if wanted else None) or last, count
    return last


def _wanted(scene: Scene, search: Search) -> str:
    """Return the first words of the API's answer; "" if there is no answer yet."""
    request = scene.answered(search.question)
    return first_words(request["answer"]) if request else ""


def binary_frame(frame: str) -> Unmet:
    """Return the mistake to report if the page does not read a binary frame."""
    return Unmet(
        "frame-binary",
        f"the frame is binary, and holds {frame[:80]}",
        expected="a text frame: in a binary one, `event.data` is a Blob, not a string",
        stage=6,
    )


def _is_json(text: str) -> bool:
    with contextlib.suppress(ValueError):
        json.loads(text)
        return True
    return False


def text_of(frame: str) -> str:
    """Return the frame's text with single spaces, without most of JSON's escapes."""
    with contextlib.suppress(ValueError):
        frame = json.dumps(json.loads(frame), ensure_ascii=False).replace("\\n", " ")
    return squeeze(frame)


def _idle(scene: Scene) -> Iterator[Unmet]:
    """Check that idle WebSockets stay open, and that no frame came twice."""
    # Only RedisChannelLayer blocks on Redis for longer than redis-py's default timeout.
    is_core = bool(scene.redis.since(scene.mine.mark, "ZADD", ":group:"))
    seconds = IDLE if is_core else 0.1
    for opened in (scene.mine, scene.other):
        try:
            while _receive(opened, seconds):
                pass
        except ConnectionClosed:
            code = opened.socket.close_code
            yield Unmet(
                "layer-drops-idle-sockets" if is_core else "socket-ends",
                f"the idle WebSocket was closed by the server with code {code}",
                expected="a WebSocket that stays open",
            )
            return
        seconds = 0.1
    for opened in (scene.mine, scene.other):
        # Compare whole answers only, because two pieces of an answer may be equal.
        whole = [f for f in opened.frames if _holds_an_answer(scene, f)]
        twice = (f for f in whole if whole.count(f) > 1)
        for frame in twice:
            yield Unmet(
                "frame-twice",
                f"the same frame came twice: {frame[:80]}",
                expected="one frame for one answer",
            )
            return


def _holds_an_answer(scene: Scene, frame: str) -> bool:
    return any(
        request["answer"] and first_words(request["answer"]) in text_of(frame)
        for request in scene.site.requests_to_openai()
    )


def _close(scene: Scene) -> None:
    """Close the WebSockets. `_leaves` checks the groups later."""
    mark = scene.redis.mark()
    deadline = time.monotonic() + LEFT
    for opened in (scene.mine, scene.other):
        opened.socket.close()
    scene.pending.append(lambda: _leaves(scene, mark, deadline))


def _leaves(scene: Scene, mark: int, deadline: float) -> Iterator[Unmet]:
    """Check that a consumer leaves its group when its WebSocket closes."""
    groups = set(scene.mine.groups)

    def has_left() -> bool:
        return not groups.difference(left(scene.redis.since(mark, "group")))

    if not wait_for(has_left, deadline - time.monotonic()):
        yield Unmet(
            "group-not-left",
            "the WebSocket is closed, but its consumer is still in"
            f" {', '.join(groups)}",
            expected="a consumer that leaves its group when the WebSocket closes",
        )


def _strangers(scene: Scene) -> Iterator[Unmet]:
    """Check that other sites get no WebSocket, and strangers join no group."""
    mine, other = scene.mine, scene.other
    is_open, _ = _joins(scene, mine.visitor, EVIL)
    if is_open:
        yield Unmet(
            "origin-unchecked",
            f"a WebSocket with the Origin {EVIL} was opened with the visitor's cookies",
            expected="status 403 for a page of another site",
        )
    if mine.url != other.url and not is_secret(mine.url):
        _, groups = _joins(scene, other.visitor, scene.site.url)
        if set(groups) & set(mine.groups):
            yield others_socket(groups[0])
    # A consumer may create a user, and so a separate group, for each stranger. Only a
    # group that two visitors share is a mistake.
    _, groups = _joins(scene, scene.visitor(), scene.site.url)
    if groups:
        _, others = _joins(scene, scene.visitor(), scene.site.url)
        groups = sorted(set(groups) & {*others, *mine.groups})
    if groups:
        yield Unmet(
            "stranger-joins",
            f"a WebSocket without a session joined the group {groups[0]}",
            expected="a refusal, because there is no user to send answers to",
        )


def is_secret(url: str) -> bool:
    """Whether the address is secret: it has a UUID or a long random text."""
    path = urllib.parse.urlsplit(url).path
    return bool(re.search(r"[0-9a-fA-F-]{32,}|[\w-]{20,}", path))


def others_socket(group: str) -> Unmet:
    """Return the mistake that lets a visitor open another visitor's WebSocket."""
    return Unmet(
        "others-socket",
        f"with another visitor's address, a visitor has joined the group {group}",
        expected="a refusal, because the address belongs to another visitor",
    )


def _joins(scene: Scene, visitor: Visitor, origin: str) -> tuple[bool, list[str]]:
    """Open the first page's WebSocket as `visitor`.

    Return whether it opens, and the groups that its consumer joins.
    """
    mark, mine = scene.redis.mark(), scene.mine
    try:
        socket = open_socket(
            visitor, origin, url=mine.url, protocols=mine.protocols, patience=HANDSHAKE
        )
    except NoSocket:
        scene.redis.sync()
        return False, _joined(scene, mark)
    with socket:
        return True, wait_for(lambda: _joined(scene, mark), 0.5)
