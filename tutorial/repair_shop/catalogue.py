"""The mistakes that the shop can put into a project, and their order for a learner.

`shop.toml` lists the mistakes.
"""

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tutorial.check.mistakes import Mistake, mistakes
from tutorial.problem import Problem
from tutorial.repair_shop.patch import Patch, patches

# The levels, from mistakes that are easy to find to mistakes that are hard to find.
LOUD, MIDDLE, SILENT = LEVELS = ("loud", "middle", "silent")

# Where a learner can see a mistake. The keys are names of tools in `shop.toml`.
# `{folder}` is the learner's folder.
TOOLS = {
    "exception": "the terminal of `run`: an exception",
    "line": "the terminal of `run`: a line that a healthy project does not print",
    "log": "the terminal of `run`: the line of a stage is missing or different",
    "show_queue": "`python3 -m tutorial manage {folder} show_queue`",
    "show_groups": "`python3 -m tutorial manage {folder} show_groups`, page open",
    "map": "the live map of `run --map`",
    "browser": "the browser's developer tools (F12): Console and Network",
}

# A mistake that shows in one of these tools is MIDDLE, or LOUD if it also causes an
# exception.
TRACES = ("line", "show_queue", "show_groups")


@dataclass(frozen=True)
class Entry:
    """A mistake of the shop."""

    name: str  # the name of its patch
    steps: tuple[int, ...]  # the steps in which it can be used
    symptom: str  # the id of what a visitor sees, in `symptoms`
    tools: tuple[str, ...]  # keys of TOOLS: where a learner can see it
    more: str = ""  # what else a visitor sees
    also: tuple[str, ...] = ()  # ids that `check` may report instead of the patch's
    # The stage of this mistake, or None for the stage in `mistakes.toml`.
    made: int | None = None

    @property
    def patch(self) -> Patch:
        """The patch that adds this mistake."""
        return patches()[self.name]

    @property
    def mistake(self) -> Mistake:
        """What `check` and the site say about this mistake."""
        return mistakes()[self.patch.mistake]

    @property
    def stage(self) -> int:
        """The stage at which this mistake is made: 1 to 7, or 0 for the start."""
        return self.mistake.stage if self.made is None else self.made

    @property
    def named(self) -> set[str]:
        """The ids in `mistakes.toml` that `check` may report for this mistake."""
        return {self.patch.mistake, *self.also}

    @property
    def level(self) -> str:
        """The level of this mistake: see `level_of`."""
        return level_of(self.tools)

    def sees(self, step: int) -> str:
        """Return what a visitor sees at that step, in sentences."""
        known = symptoms()[self.symptom]
        text = known.get(f"at_{step}") or known["text"]
        return f"{text} {self.more}".strip()


def level_of(tools: Iterable[str]) -> str:
    """Return the level of a mistake, derived from the tools that show it.

    A loud mistake prints an exception. A middle one prints no exception, but leaves an
    unusual line in the terminal, or a sign in Redis. A silent one leaves neither.
    """
    if "exception" in tools:
        return LOUD
    return MIDDLE if set(tools) & set(TRACES) else SILENT


@cache
def _data() -> dict:
    text = Path(__file__).with_name("shop.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def symptoms() -> dict[str, dict[str, str]]:
    """Return what visitors can see, by id: the usual text, and texts for some steps."""
    return _data()["symptom"]


@cache
def entries() -> dict[str, Entry]:
    """Return the mistakes of the shop, by name."""
    return {
        name: Entry(
            name=name,
            steps=tuple(entry["steps"]),
            symptom=entry["symptom"],
            tools=tuple(entry["tools"]),
            more=entry.get("more", ""),
            also=tuple(entry.get("also", ())),
            made=entry.get("stage"),
        )
        for name, entry in _data()["mistake"].items()
    }


def playable_steps() -> list[int]:
    """Return the numbers of the steps for which the shop has mistakes."""
    return sorted({number for entry in entries().values() for number in entry.steps})


def in_order(step: int, seed: int, level: str = "") -> list[str]:
    """Return the names of the mistakes, in their order for this step, seed and level.

    The order depends on nothing else, so it is the same on every machine. `level` is
    one of LEVELS, or "" for all levels. Raises Problem if there are no such mistakes.
    """
    found = [
        entry.name
        for entry in entries().values()
        if step in entry.steps and level in ("", entry.level)
    ]
    if not found:
        raise no_mistake(str(step), level)
    return shuffled(found, f"{seed}/{step}/{level}")


def no_mistake(step: str, level: str = "") -> Problem:
    """Return the Problem to raise if the shop has no mistake for a step and a level."""
    known = " and ".join(map(str, playable_steps()))
    of_level = f" of the level {level}" if level else ""
    return Problem(
        f"The shop has no mistake{of_level} for step {step}.\n"
        f"It has mistakes for steps {known}; the default is 7."
    )


def shuffled(names: Iterable[str], key: str) -> list[str]:
    """Return the names in an order that depends only on the names and the key."""

    def place(name: str) -> bytes:
        return hashlib.sha256(f"{key}/{name}".encode()).digest()

    return sorted(names, key=place)
