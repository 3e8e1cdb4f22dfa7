"""The observer: code that runs inside a project's processes and records what they do.

In here: that code (`inside/`), how to switch it on, and how to read its records
(`events`).
Not in here: what the records mean for the project (`check`, `live_map`).
"""

import os
import re
import shlex
from pathlib import Path

from tutorial.project import procfile
from tutorial.runtime.project import Project

INSIDE = Path(__file__).parent / "inside"

# A program that reads a project's settings, addresses and apps; see its docstring.
SURVEY = INSIDE / "survey.py"


def variables(events: Path, folder: Path) -> dict[str, str]:
    """Return the variables that put the observer into a project's processes.

    The processes append their events to the file `events`. `folder` is the folder of
    the project.
    """
    paths = [str(INSIDE), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "TUTORIAL_EVENTS": str(events),
        "TUTORIAL_PROJECT": str(folder),
    }


def moving(events: Path, redis_url: str) -> dict[str, str]:
    """Return the variables that redirect an observed project to the check's services.

    The Redis at `redis_url` replaces the project's own, even if the project's code
    contains a fixed address. A database outside the project's folder is copied next to
    `events`.
    """
    return {
        "TUTORIAL_DATABASE": str(events.with_name("outside.sqlite3")),
        "TUTORIAL_REDIS": redis_url.removeprefix("redis://").removesuffix("/0"),
    }


def in_front(command: str) -> str:
    """Put the observer's folder first in the PYTHONPATH that a command sets, if any.

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
    """Return the commands of the project's Procfile, each changed by `in_front`."""
    commands = procfile.processes(project.folder)
    return {name: in_front(command) for name, command in commands.items()}


def with_survey(command: str, arguments: list[str]) -> str | None:
    """Return web's command, changed so that it writes the survey first.

    `arguments` are the arguments of the survey. Returns None if web's command does not
    contain `python manage.py runserver`: only runserver can run in the process of the
    survey.
    """
    start = re.search(r"\bpython3?\s+manage\.py(?=\s+runserver\b)", command)
    if start is None:
        return None
    survey = shlex.join(["python", str(SURVEY), *arguments, "--", "manage.py"])
    return command[: start.start()] + survey + command[start.end() :]
