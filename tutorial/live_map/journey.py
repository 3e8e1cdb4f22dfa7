"""A journey: one search of a running project, and how far it has got.

A journey consists of hops. A hop says what happened, when, and at which stage, with the
fields that were seen.
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
    count: int = 1  # how many hops of this kind it stands for
    until: float = 0.0  # the time of the last hop that it stands for

    def data(self) -> dict[str, Any]:
        """The hop as data for the page."""
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
    """A search, beginning with its form."""

    number: int
    started: float
    question: str = ""
    ids: list[str] = field(default_factory=list)  # the ids of its tasks
    hops: list[Hop] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)  # from which the hops were made
    is_dropped: bool = False  # the request was not a search, but a login, for example
    state: str = "travelling"  # or "waiting", "stuck", or one of ENDED
    # Explanations that have been worked out, kept for later use.
    explained: dict[str, Any] = field(default_factory=dict)
    halt: dict[str, Any] | None = None  # where and why the search gets no further

    @property
    def stage(self) -> int:
        """The stage that the search has reached."""
        return max((hop.stage for hop in self.hops), default=1)

    @property
    def last(self) -> float:
        """The time of its last event."""
        return max((hop.until or hop.time for hop in self.hops), default=self.started)

    def first(self, *kinds: str) -> Event | None:
        """Its oldest event of these kinds."""
        return next((event for event in self.events if event["what"] in kinds), None)

    def latest(self, *kinds: str) -> Event | None:
        """Its newest event of these kinds."""
        found = (event for event in reversed(self.events) if event["what"] in kinds)
        return next(found, None)

    def data(self) -> dict[str, Any]:
        """The journey as data for the page."""
        return {
            "number": self.number,
            "started": self.started,
            "question": self.question or "(a question that cannot be seen from here)",
            "id": self.ids[0] if self.ids else "",
            "state": self.state,
            "stage": self.stage,
            "halt": self.halt,
            "hops": [hop.data() for hop in self.hops],
        }
