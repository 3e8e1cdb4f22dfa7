"""Stage 6 · consumer: the answer comes down the WebSocket of its visitor alone."""

import json
import time
import uuid

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from tutorial.runtime.waiting import wait_until
from tutorial.visitor.site import Site, Unmet
from tutorial.visitor.visitor import Visitor

REFUSED = "The WebSocket was refused with status"
MISSING = f"{REFUSED} 404: nothing answers at its address"


def check(site: Site) -> str:
    """A frame with the answer reaches its user; strangers are refused."""
    visitor, other = Visitor(site), Visitor(site)
    visitor.get()
    other.get()
    before = site.subscribed_groups()
    with open_socket(visitor) as socket, open_socket(other) as other_socket:
        joined = _wait_for_groups(site, before)
        question = f"What is a consumer? {uuid.uuid4()}"
        visitor.ask(question)
        frame = _receive(socket, question)
        # The first visitor's frame would come before their own.
        other_question = f"What is a group? {uuid.uuid4()}"
        other.ask(other_question)
        _receive(other_socket, other_question, not_of=question)
        # A consumer that fails after its first frame takes the connection with it.
        again = f"What is a frame? {uuid.uuid4()}"
        visitor.ask(again)
        _receive(socket, again)
    try:
        wait_until(
            lambda: not site.subscribed_groups() & joined,
            seconds=5,
            otherwise="The sockets are closed, and their groups still have members",
        )
    except TimeoutError as error:
        raise Unmet(str(error)) from error
    _check_refused(visitor, "from another origin", origin="http://evil.example")
    _check_refused(Visitor(site), "without a session", origin=site.url)
    return f"a frame: {frame[:60]}…"


def _wait_for_groups(site: Site, before: set[str]) -> set[str]:
    """The groups of the two visitors, once both sockets have joined theirs."""
    try:
        wait_until(
            lambda: len(site.subscribed_groups() - before) >= 2,
            seconds=5,
            otherwise="The sockets are open, and have not joined a group each",
        )
    except TimeoutError as error:
        raise Unmet(str(error)) from error
    return site.subscribed_groups() - before


def open_socket(visitor: Visitor, origin: str | None = None) -> ClientConnection:
    """The visitor's WebSocket, open. Raises Unmet where it is refused."""
    try:
        return connect(
            visitor.site.socket_url,
            origin=origin or visitor.site.url,
            additional_headers={"Cookie": visitor.cookie_header},
            open_timeout=10,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        if status == 404:
            raise Unmet(MISSING) from error
        raise Unmet(f"{REFUSED} {status}") from error
    except (WebSocketException, OSError) as error:
        raise Unmet(f"The WebSocket could not be opened: {error}") from error


def _receive(socket: ClientConnection, question: str, not_of: str = "-" * 40) -> str:
    """The frame with the answer to the question; news on the way is passed over.

    Raises Unmet where it does not come, or where a frame is of another's question.
    """
    frame, deadline = "", time.monotonic() + 10
    while True:
        try:
            frame = socket.recv(timeout=max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            last = f" with the answer; the last one: {frame[:100]}" if frame else ""
            raise Unmet(f"No frame came down the WebSocket{last}") from None
        except WebSocketException as error:
            raise Unmet(f"The WebSocket was closed: {error}") from error
        try:
            text = str(json.loads(frame))
        except ValueError:
            raise Unmet(f"The frame is not JSON: {frame[:100]}") from None
        if not_of in text:
            raise Unmet(f"The frame belongs to another's search: {frame[:100]}")
        if question in text and "offline stand-in" in text:
            return frame


def _check_refused(visitor: Visitor, how: str, origin: str) -> None:
    try:
        socket = open_socket(visitor, origin)
    except Unmet as unmet:
        if REFUSED in str(unmet):
            return
        raise
    socket.close()
    raise Unmet(f"A WebSocket {how} was accepted")
