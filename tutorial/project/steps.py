"""Knows the steps: `steps/steps.toml`, and the files of each folder."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tutorial.paths import ROOT
from tutorial.problem import Problem


@dataclass(frozen=True)
class Step:
    """A project: one of the steps, `final/`, or what a person types on their own."""

    name: str  # what a person types: "1" to "7", "final", or the path of their folder
    number: int  # 1 to 7; final counts as one more; 0 is a person's own
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
        """The folder, as a person would name it: `steps/03_queue`, `../my-search`."""
        if not self.is_own:
            return str(self.folder.relative_to(ROOT))
        if Path(self.name).name in ("", ".."):  # as in ".", which says nothing
            return self.folder.name
        return self.name.rstrip("/")

    @property
    def is_own(self) -> bool:
        """Whether it is a person's own folder, and no part of the tutorial."""
        return self.number == 0


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
        component="Step 7, made ready for real users",
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


def find_project(name: str) -> Step:
    """The step that a person calls `name`, or else their own project at that path.

    A name that is a step's is the step: `./1` is the folder. Raises Problem where there
    is neither.
    """
    if is_name(name):
        return find(name)
    folder = locate(name)
    try:
        is_folder = folder is not None and folder.is_dir()
        is_project = is_folder and (folder / "manage.py").is_file()
    except OSError:  # it may not be looked into, or its name is too long for one
        is_folder = is_project = False
    if is_project:
        ours = (step for step in every() if step.folder == folder)
        return next(ours, Step(name=name, number=0, folder=folder))
    known = f"1 to {len(steps())}, final"
    if is_folder:
        raise Problem(
            f'"{name}" is neither a step ({known}) nor a Django project: that folder'
            " has no manage.py."
        )
    raise Problem(
        f'There is no step "{name}", and no such folder.\n'
        f"Say {known}, or the path of a folder with a manage.py."
    )


def is_name(name: str) -> bool:
    """Whether a person who types `name` means a step."""
    return name.removeprefix("0") in {step.name for step in every()}


def locate(name: str) -> Path | None:
    """The absolute path that a person calls `name`; None where it cannot be one."""
    try:
        return Path(name).expanduser().resolve() if name.strip() else None
    except (OSError, RuntimeError):  # links that lead to themselves, ~nobody
        return None
