"""A journey: what has happened to one search of a running project.

A journey consists of hops. A hop says what happened, when, and at which stage. Its
`facts` are further fields for the page, by name.
"""

from dataclasses import dataclass, field
from typing import Any

from tutorial.observer.events import Event

# The states in which a journey has ended.
ENDED = ("arrived", "failed", "refused", "cancelled", "undelivered", "ends")


@dataclass
class Hop:
    """Something that happened to a search."""

    stage: int  # 1 to 7
    kind: str
    time: float  # in seconds since 1970
    text: str  # a sentence for the page
    facts: dict[str, str] = field(default_factory=dict)
    at: str | None = None  # the project's line, such as "search/tasks.py:33"
    process: str = ""  # "web" or "worker"
    pid: int = 0
    failed: bool = False
    count: int = 1  # how many hops of the same kind this hop stands for
    until: float = 0.0  # the time of the last hop that this hop stands for

    def data(self) -> dict[str, Any]:
        """Return the hop as data for the page."""
        return {
            "stage": self.stage,
            "kind": self.kind,
            "time": self.time,
            "until": self.until or self.time,
            "text": self.text,
            "facts": self.facts,
            "at": self.at,
            "process": self.process,
            "pid": self.pid,
            "failed": self.failed,
            "count": self.count,
        }


@dataclass
class Journey:
    """One search, from the moment when its form was sent."""

    number: int
    started: float
    question: str = ""
    ids: list[str] = field(default_factory=list)  # the ids of its tasks
    hops: list[Hop] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)  # the hops come from these events
    is_dropped: bool = False  # the request was not a search, but a login, for example
    state: str = "travelling"  # "travelling", "waiting", "stuck", or one of ENDED
    # A cache of explanations: finding one means reading the project's code.
    explained: dict[str, Any] = field(default_factory=dict)
    halt: dict[str, Any] | None = None  # where the search does not continue, and why

    @property
    def stage(self) -> int:
        """The stage that the search has reached."""
        return max((hop.stage for hop in self.hops), default=1)

    @property
    def last(self) -> float:
        """The time of the last hop, or of the start if there is no hop."""
        return max((hop.until or hop.time for hop in self.hops), default=self.started)

    def first(self, *kinds: str) -> Event | None:
        """Return the oldest event of these kinds, or None."""
        return next((event for event in self.events if event["what"] in kinds), None)

    def latest(self, *kinds: str) -> Event | None:
        """Return the newest event of these kinds, or None."""
        found = (event for event in reversed(self.events) if event["what"] in kinds)
        return next(found, None)

    def data(self) -> dict[str, Any]:
        """Return the journey as data for the page."""
        return {
            "number": self.number,
            "started": self.started,
            "question": self.question or "(the map has not seen the question)",
            "id": self.ids[0] if self.ids else "",
            "state": self.state,
            "stage": self.stage,
            "halt": self.halt,
            "hops": [hop.data() for hop in self.hops],
        }
