"""Classes that store what is known about a project, and why a search is stuck."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tutorial.check.mistakes import mistakes
from tutorial.check.report import ADDRESS
from tutorial.live_map.hops import hidden
from tutorial.live_map.sockets import Sockets
from tutorial.observer.events import Event

PATIENCE = 2.0  # seconds without progress before the map looks for a reason


@dataclass
class Process:
    """A process that `run` started for the project."""

    name: str
    role: str  # "web", "worker", or any other name
    state: str = "starting"  # "starting", "running" or "ended"
    pid: int = 0
    since: float = 0.0  # in seconds since 1970
    starts: int = 1
    reloads: int = 0  # how many times it started a new child
    line: str = ""  # the last line that it printed
    is_older: bool = False  # whether its code is older than the files


@dataclass
class World:
    """What is known about the project besides its searches."""

    step: int = 0  # 1 to 7; 8 for final; 0 for a learner's own folder
    processes: list[Process] = field(default_factory=list)
    # The event "worker ready" of each worker, by its pid.
    workers: dict[int, Event] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)  # pids of workers that have ended
    unknown: list[Event] = field(default_factory=list)  # tasks that no worker knows
    running: dict[str, float] = field(default_factory=dict)  # start times, by task id
    receivers: list[Event] = field(default_factory=list)  # handlers of signals
    folder: Path | None = None  # the project's folder
    # The queue of each waiting message, by the message's id.
    queues: dict[str, str] = field(default_factory=dict)
    redis_error: str = ""
    sockets: Sockets = field(default_factory=Sockets)

    def of(self, role: str) -> list[Process]:
        """Return the processes with this role."""
        return [process for process in self.processes if process.role == role]


@dataclass
class Halt:
    """The stage at which a search is stuck, waits or has ended, and the reason."""

    stage: int
    text: str  # what was seen
    mistake: str = ""  # the id of the mistake in the catalogue
    at: str | None = None
    state: str = "stuck"
    advice: str = ""  # replaces the fix in the catalogue
    # If several mistakes are possible: their ids, each with its distinctive sign.
    others: tuple[tuple[str, str], ...] = ()

    def data(self) -> dict[str, Any]:
        """Return the halt as data for the page, with the texts of the catalogue."""
        found = mistakes().get(self.mistake)
        return {
            "stage": self.stage,
            "title": found.title if found else "",
            "text": hidden(self.text),
            "cause": found.cause if found else "",
            "fix": self.advice or (found.fix if found else ""),
            "at": self.at,
            "mistake": self.mistake,
            "page": f"{ADDRESS}#{self.mistake}" if found else "",
            "others": [_other(name, sign) for name, sign in self.others],
        }


def _other(name: str, sign: str) -> dict[str, str]:
    """Return one of several possible mistakes, as data for the page."""
    title = mistakes()[name].title
    return {"title": title, "sign": hidden(sign), "page": f"{ADDRESS}#{name}"}


Halts = Iterator[Halt]
