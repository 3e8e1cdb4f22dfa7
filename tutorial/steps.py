"""Knows the steps: `steps/steps.toml`, and the files of each folder."""

import shutil
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tutorial.environment import ROOT
from tutorial.problem import Problem

# What running a project leaves in its folder, and no diff or listing shows.
LEFTOVERS = (
    *("__pycache__", "db.sqlite3", ".pytest_cache", ".ruff_cache", "test-results"),
    *(".venv", "venv", ".env", ".DS_Store"),
)
LEFTOVER_SUFFIXES = (".pyc", ".log", ".sqlite3-wal", ".sqlite3-shm")


@dataclass(frozen=True)
class Step:
    """A project of this tutorial: one of the steps, or `final/`."""

    name: str  # what a person types: "1" to "7", or "final"
    number: int  # 1 to 7; final counts as one more
    folder: Path
    stage: str = ""
    process: str = ""  # that the stage lives in
    hands_on: str = ""  # to the next stage
    component: str = ""
    minutes: int = 0
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The folder, as a person would name it: `steps/03_queue`."""
        return str(self.folder.relative_to(ROOT))


@cache
def steps() -> tuple[Step, ...]:
    """The numbered steps, in order."""
    entries = tomllib.loads((ROOT / "steps" / "steps.toml").read_text())["step"]
    return tuple(
        Step(
            name=str(number),
            number=number,
            folder=ROOT / "steps" / entry["folder"],
            stage=entry["stage"],
            process=entry["process"],
            hands_on=entry.get("hands_on", ""),
            component=entry["component"],
            minutes=entry["minutes"],
            added=tuple(entry.get("added", ())),
            changed=tuple(entry.get("changed", ())),
        )
        for number, entry in enumerate(entries, start=1)
    )


def final() -> Step:
    """The finished app."""
    return Step(
        name="final",
        number=len(steps()) + 1,
        folder=ROOT / "final",
        component="Step 7 with its tests",
    )


def every() -> tuple[Step, ...]:
    """The steps and the finished app."""
    return (*steps(), final())


def find(name: str) -> Step:
    """The step that a person calls `name`: a number or "final".

    Raises Problem where there is none.
    """
    known = {step.name: step for step in every()}
    try:
        return known[name.removeprefix("0")]
    except KeyError:
        raise Problem(
            f'There is no step "{name}". The steps are 1 to {len(steps())}, and final.'
        ) from None


def files(folder: Path) -> dict[str, Path]:
    """The files that belong to a project, by their path inside it, sorted.

    Leaves out what running the project has left there: databases, caches, logs.
    """
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix not in LEFTOVER_SUFFIXES
        and not set(path.relative_to(folder).parts) & set(LEFTOVERS)
    }


def copy(folder: Path, target: Path) -> None:
    """Copy the files that belong to the project in `folder` to the folder `target`."""
    for name, path in files(folder).items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target / name)
