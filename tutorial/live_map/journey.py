"""A search of a running project: how far it has come, and what it has left there.

A journey consists of hops: what happened, at which stage, when, and what could be seen
of it.
"""

from dataclasses import dataclass, field
from typing import Any

from tutorial.observer.events import Event

# The states of a journey from which it does not go on by itself.
ENDED = ("arrived", "failed", "refused", "cancelled", "undelivered", "ends")


@dataclass
class Hop:
    """Something that happened to a search."""

    stage: int  # 1 to 7
    kind: str
    time: float  # in seconds since 1970
    text: str  # a sentence
    facts: dict[str, str] = field(default_factory=dict)
    at: str | None = None  # the project's line, such as "search/tasks.py:33"
    process: str = ""  # "web" or "worker"
    pid: int = 0
    failed: bool = False
    count: int = 1  # how many of the same kind it stands for
    until: float = 0.0  # when the last of them happened

    def data(self) -> dict[str, Any]:
        """The hop as the page gets it."""
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
    """A search, from the form on."""

    number: int
    started: float
    question: str = ""
    ids: list[str] = field(default_factory=list)  # of its tasks
    hops: list[Hop] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)  # what the hops were made of
    is_dropped: bool = False  # it was a request of another kind
    state: str = "travelling"  # or "waiting", "stuck", or one of ENDED
    halt: dict[str, Any] | None = None  # where and why it does not get further

    @property
    def stage(self) -> int:
        """The stage that it has reached."""
        return max((hop.stage for hop in self.hops), default=1)

    @property
    def last(self) -> float:
        """When something happened to it last."""
        return max((hop.until or hop.time for hop in self.hops), default=self.started)

    def first(self, *kinds: str) -> Event | None:
        """Its oldest event of these kinds."""
        return next((event for event in self.events if event["what"] in kinds), None)

    def latest(self, *kinds: str) -> Event | None:
        """Its newest event of these kinds."""
        found = (event for event in reversed(self.events) if event["what"] in kinds)
        return next(found, None)

    def data(self) -> dict[str, Any]:
        """The journey as the page gets it."""
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
