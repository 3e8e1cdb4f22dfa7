"""Tracks open WebSockets, their groups, and attempts to open a WebSocket."""

from collections import OrderedDict
from dataclasses import dataclass, field

from tutorial.observer.events import Event

KEPT = 100  # how many attempts to open a WebSocket are kept


@dataclass
class Attempt:
    """What the observer saw of a page's attempt to open a WebSocket."""

    pid: int
    time: float  # in seconds since 1970
    path: str = ""
    consumer: str = ""
    user: object = None  # the primary key of the user in the scope
    has_user: bool = True  # whether the scope has a user at all
    is_over_http: bool = False  # the handshake arrived as a plain HTTP request
    has_daphne: bool = True  # whether INSTALLED_APPS contains daphne
    routes: list[str] = field(default_factory=list)  # the routes, if none matched
    groups: list[str] = field(default_factory=list)  # the consumer's groups
    is_accepted: bool = False
    closed: Event | None = None  # the consumer refused or closed the WebSocket
    failed: Event | None = None  # the event of the first exception
    has_ended: bool = False

    def add(self, event: Event) -> None:
        """Update the attempt from one of its events."""
        what = event["what"]
        self.path = self.path or event.get("path") or ""
        if what == "handshake over HTTP":
            self.is_over_http, self.has_daphne = True, event["has_daphne"]
        elif what == "no route":
            self.routes = event["routes"]
        elif what == "consumer starts":
            self.consumer, self.user = event["consumer"], event["user"]
            self.has_user = event.get("has_user", True)
        elif what == "group_add":
            self.groups.append(event["group"])
        elif what in FAILURES:
            self.failed = self.failed or event
            self.has_ended = self.has_ended or what == "handshake failed"
        elif what == "consumer ends":
            self.has_ended = True
        elif what == "consumer sends":
            self.is_accepted |= event["type"] == "websocket.accept"
            if event["type"] == "websocket.close":
                self.closed = event


FAILURES = ("group_add failed", "consumer failed", "socket failed", "handshake failed")


class Sockets:
    """The open WebSockets and the groups that they have joined."""

    def __init__(self) -> None:
        # The event with which the consumer of each open socket started.
        self.open: dict[tuple[int, int], Event] = {}  # by process and socket
        # For each group, the process id of each of its channels.
        self.groups: dict[str, dict[str, int]] = {}
        self.attempts: OrderedDict[str, Attempt] = OrderedDict()  # by handshake
        # For each group: when a socket last left it, and how many processes and sockets
        # received its messages before that.
        self._left: dict[str, tuple[float, tuple[int, int]]] = {}

    def add(self, event: Event) -> None:
        """Update the sockets and groups from an event."""
        what = event["what"]
        self._attempt(event)
        if what == "consumer starts" and event.get("path"):
            self.open[event["pid"], event["socket"]] = event
        elif what == "consumer ends":
            self.open.pop((event["pid"], event["socket"]), None)
            self._leave(event.get("channel", ""), time=event["time"])
        elif what == "group_add":
            channels = self.groups.setdefault(event["group"], {})
            channels[event["channel"]] = event["pid"]
        elif what == "group_discard":
            self._leave(event["channel"], event["group"], event["time"])
        elif what == "observer starts":
            self.ended(event["pid"])

    def _attempt(self, event: Event) -> None:
        """Update an attempt to open a WebSocket, if the event is part of an attempt."""
        key = event.get("handshake")
        if event["what"] == "handshake over HTTP":
            key = f"{event['pid']} {event['time']}"
        if key is None:
            return
        if key not in self.attempts:
            self.attempts[key] = Attempt(event["pid"], event["time"])
        while len(self.attempts) > KEPT:
            self.attempts.popitem(last=False)
        self.attempts[key].add(event)

    def was_accepted(self, event: Event) -> bool:
        """Whether the WebSocket of the event was ever accepted; True if unknown."""
        attempt = self.attempts.get(event.get("handshake", ""))
        return attempt is None or attempt.is_accepted

    def ended(self, pid: int) -> None:
        """Remove the sockets of a process that has ended."""
        for key in [key for key in self.open if key[0] == pid]:
            del self.open[key]
        for attempt in self.attempts.values():
            if attempt.pid == pid:
                attempt.has_ended = True
        for group, channels in list(self.groups.items()):
            for channel in [name for name, owner in channels.items() if owner == pid]:
                self._leave(channel, group)

    def _leave(self, channel: str, group: str | None = None, time: float = 0.0) -> None:
        for name in [group] if group else list(self.groups):
            channels = self.groups.get(name, {})
            if channel in channels:
                self._left[name] = time, self.of(name)
            channels.pop(channel, None)
            if not channels:
                self.groups.pop(name, None)

    def of(self, group: str, time: float | None = None) -> tuple[int, int]:
        """Return how many processes and sockets receive the messages of the group.

        If a socket has left the group since `time`, returns the numbers from before it
        left. The reason is that the socket's consumer may have received a message that
        was sent at `time`, and may have ended because of this message.
        """
        left, before = self._left.get(group, (0.0, (0, 0)))
        if time is not None and left > time:
            return before
        channels = self.groups.get(group, {})
        return len(set(channels.values())), len(channels)
