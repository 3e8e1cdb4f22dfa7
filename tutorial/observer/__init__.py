"""The observer: code that runs inside a project's processes and records what they do.

In here: that code (`inside/`), how to switch it on, and how to read its records
(`events`).
Not in here: any judgement. `check` and the live map draw the conclusions.
"""

import os
import re
import shlex
from pathlib import Path

from tutorial.project import procfile
from tutorial.runtime.project import Project

INSIDE = Path(__file__).parent / "inside"

# A program that looks at a project's settings, addresses and apps; see its docstring.
SURVEY = INSIDE / "survey.py"


def variables(events: Path, folder: Path) -> dict[str, str]:
    """The environment variables that put the observer into a project's processes.

    The processes append their events to the file `events`. `folder` is the project's.
    """
    paths = [str(INSIDE), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "TUTORIAL_EVENTS": str(events),
        "TUTORIAL_PROJECT": str(folder),
    }


def moving(events: Path, redis_url: str) -> dict[str, str]:
    """The variables that redirect an observed project from its services to the check's.

    The Redis at `redis_url` replaces the project's own, even if the project has a fixed
    address. A database outside the project's folder is copied next to `events`.
    """
    return {
        "TUTORIAL_DATABASE": str(events.with_name("outside.sqlite3")),
        "TUTORIAL_REDIS": redis_url.removeprefix("redis://").removesuffix("/0"),
    }


def in_front(command: str) -> str:
    """The command; if it sets a PYTHONPATH, the observer's folder is put first in it.

    The command's own PYTHONPATH would replace that of `variables`, so that Python would
    not find the observer.
    """
    inside = shlex.quote(str(INSIDE))

    def put(found: re.Match) -> str:
        # An empty part of PYTHONPATH would stand for the current folder.
        is_empty = re.match(r"(\"\"|'')?($|[\s;&|])", command[found.end() :])
        return f"PYTHONPATH={inside}" + ("" if is_empty else os.pathsep)

    return re.sub(r"(?<![\w$])PYTHONPATH=", put, command)


def commands_in_front(project: Project) -> dict[str, str]:
    """The commands of the project's Procfile, each changed by `in_front`."""
    commands = procfile.processes(project.folder)
    return {name: in_front(command) for name, command in commands.items()}


def with_survey(command: str, arguments: list[str]) -> str | None:
    """Web's command, changed to write the survey first; None if this is impossible.

    `arguments` are those of the survey. Only a command of manage.py can do both in one
    process.
    """
    start = re.search(r"\bpython3?\s+manage\.py(?=\s+runserver\b)", command)
    if start is None:
        return None
    survey = shlex.join(["python", str(SURVEY), *arguments, "--", "manage.py"])
    return command[: start.start()] + survey + command[start.end() :]
