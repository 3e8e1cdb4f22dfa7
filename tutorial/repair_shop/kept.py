"""Reads and writes the state of a repair shop's folder, in its file `.repair.json`.

The names of mistakes are encoded, so that nobody reads a solution by accident. They are
not secret: anyone can decode them.
"""

import base64
import binascii
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tutorial.problem import Problem
from tutorial.project.files import OF_THE_REPAIR_SHOP as NAME

VERSION = 1
HINTS = 3  # they name the stage, the place (the files), and the reason


@dataclass
class Turn:
    """A mistake that was put into the folder, and the effort to fix it."""

    name: str
    started: float  # in seconds since 1970
    hints: int = 0  # the number of hints that were used
    minutes: float | None = None  # until it was fixed; None if it is not fixed yet

    @property
    def is_solved(self) -> bool:
        """Whether the mistake was fixed, so that the flow works again."""
        return self.minutes is not None


@dataclass
class Kept:
    """The state of a folder. The last of `turns` is the folder's current mistake."""

    step: int
    seed: int
    level: str = ""  # "" for all levels
    turns: list[Turn] = field(default_factory=list)

    @property
    def turn(self) -> Turn:
        """The mistake that is in the folder now."""
        return self.turns[-1]

    def begin(self, name: str) -> None:
        """Record that the mistake `name` is put into the folder now."""
        self.turns.append(Turn(name, time.time()))

    def solve(self) -> None:
        """Record that the folder's mistake is fixed. A second call changes nothing."""
        if not self.turn.is_solved:
            self.turn.minutes = max(0.0, time.time() - self.turn.started) / 60


def is_repair(folder: Path) -> bool:
    """Whether the folder was made by the repair shop."""
    return (folder / NAME).is_file()


def read(folder: Path, title: str) -> Kept:
    """Read the state of the folder. Error messages call the folder `title`.

    Raises Problem if the file cannot be read, or is not in the format of `write`.
    """
    try:
        data = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise ValueError(f"its version is {data['version']}")
        turns = [_turn(**turn) for turn in data["turns"]]
        kept = Kept(int(data["step"]), int(data["seed"]), str(data["level"]), turns)
        if not turns:
            raise ValueError("it names no mistake")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Problem(
            f"{title}/{NAME} cannot be read ({_reason(error)}), so the shop does not"
            " know this folder any more.\nYour files are untouched. Start again in"
            " another folder: python3 -m tutorial repair DIR"
        ) from error
    return kept


def write(folder: Path, kept: Kept) -> None:
    """Save the state completely, or not at all. Raises OSError if that fails."""
    turns = [asdict(turn) | {"name": _encoded(turn.name)} for turn in kept.turns]
    data = {"version": VERSION} | asdict(kept) | {"turns": turns}
    new = folder / f"{NAME}-new"
    new.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    new.replace(folder / NAME)


def _turn(name: str, started: float, hints: int, minutes: float | None) -> Turn:
    took = None if minutes is None else float(minutes)
    return Turn(_decoded(name), float(started), int(hints), took)


def _encoded(name: str) -> str:
    return base64.b64encode(name.encode()[::-1]).decode()


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True)[::-1].decode()


def _reason(error: Any) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    if isinstance(error, json.JSONDecodeError | binascii.Error | UnicodeError):
        return "it is damaged"
    return str(error).splitlines()[0]
