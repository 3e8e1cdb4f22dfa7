"""The steps, as described in `steps/steps.toml`, and how a command line names them."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tutorial.paths import ROOT
from tutorial.problem import Problem


@dataclass(frozen=True)
class Step:
    """A project: one of the steps, `final/`, or a learner's own folder."""

    name: str  # as on the command line: "1" to "7", "final", or the path of a folder
    number: int  # 1 to 7; 8 for final; 0 for a learner's own folder
    folder: Path
    stage: str = ""
    process: str = ""  # the process in which the stage runs
    hands_on: str = ""  # what the stage passes to the next one
    component: str = ""  # what the step adds
    sees: str = ""  # what the learner sees at the end of the step, in sentences
    minutes: int = 0  # the time that a learner needs for the step
    added: tuple[str, ...] = ()  # the files that the step may add
    changed: tuple[str, ...] = ()  # the files that the step may change
    # The executable files, listed because not every file system stores the mode.
    executable: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The folder's name in messages, such as `steps/03_queue` or `../my-search`."""
        if not self.is_own:
            return str(self.folder.relative_to(ROOT))
        if Path(self.name).name in ("", ".."):  # such as ".": not a useful title
            return self.folder.name
        return self.name.rstrip("/")

    @property
    def is_own(self) -> bool:
        """Whether this is a learner's own folder, and not a part of the tutorial."""
        return self.number == 0


@cache
def steps() -> tuple[Step, ...]:
    """Return the numbered steps, in order."""
    text = (ROOT / "steps" / "steps.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)["step"]
    return tuple(
        Step(
            name=str(number),
            number=number,
            folder=ROOT / "steps" / entry["folder"],
            stage=entry["stage"],
            process=entry["process"],
            hands_on=entry.get("hands_on", ""),
            component=entry["component"],
            sees=entry["sees"],
            minutes=entry["minutes"],
            added=tuple(entry.get("added", ())),
            changed=tuple(entry.get("changed", ())),
        )
        for number, entry in enumerate(entries, start=1)
    )


def final() -> Step:
    """Return the finished app as a step."""
    return Step(
        name="final",
        number=len(steps()) + 1,
        folder=ROOT / "final",
        component="Step 7, made ready for real users",
        sees="The answer appears as it is written, and no accepted search is lost when"
        " Redis, a worker or the connection fails.",
        executable=("deploy/switch",),
    )


def every() -> tuple[Step, ...]:
    """Return the numbered steps and the finished app, in order."""
    return (*steps(), final())


def find(name: str) -> Step:
    """Return the step that a command line calls `name`: a number or "final".

    Raises Problem if there is none.
    """
    known = {step.name: step for step in every()}
    try:
        return known[name.removeprefix("0")]
    except KeyError:
        raise Problem(
            f'There is no step "{name}". The steps are 1 to {len(steps())}, and final.'
        ) from None


def find_project(name: str) -> Step:
    """Return the step that a command line calls `name`, or the project at that path.

    "1" is step 1; `./1` is the folder called "1". Raises Problem if there is neither a
    step nor a project.
    """
    if is_name(name):
        return find(name)
    folder = locate(name)
    try:
        is_folder = folder is not None and folder.is_dir()
        is_project = is_folder and (folder / "manage.py").is_file()
    except OSError:  # no permission to look into it, or the name is too long
        is_folder = is_project = False
    if is_project:
        ours = (step for step in every() if step.folder == folder)
        return next(ours, Step(name=name, number=0, folder=folder))
    known = f"1 to {len(steps())}, final"
    if is_folder:
        inner = sorted(folder.glob("*/manage.py"))[:1]
        hint = f" Its subfolder {inner[0].parent.name}/ has one." if inner else ""
        raise Problem(
            f'"{name}" is neither a step ({known}) nor a Django project: that folder'
            f" has no manage.py.{hint}"
        )
    raise Problem(
        f'There is no step "{name}", and no such folder.\n'
        f"Use {known}, or the path of a folder with a manage.py."
    )


def is_name(name: str) -> bool:
    """Whether `name` on a command line is the name of a step, rather than a path."""
    return name.removeprefix("0") in {step.name for step in every()}


def locate(name: str) -> Path | None:
    """Return the absolute path that `name` stands for; None if `name` is not a path."""
    try:
        return Path(name).expanduser().resolve() if name.strip() else None
    except (OSError, RuntimeError):  # a loop of links, or the home of an unknown user
        return None
