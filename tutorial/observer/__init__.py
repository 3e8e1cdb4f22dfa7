"""The observer: what is put into a project's processes to hear what they do.

In here: the code that runs inside those processes (`inside/`), how to switch it on, and
how to read what it wrote (`events`).
Not in here: any judgement. `check` and later readers draw the conclusions.
"""

import os
import re
import shlex
from pathlib import Path

from tutorial.project import procfile
from tutorial.runtime.project import Project

INSIDE = Path(__file__).parent / "inside"

# Looks at a project's settings, addresses and apps; see its docstring.
SURVEY = INSIDE / "survey.py"


def variables(events: Path, folder: Path) -> dict[str, str]:
    """The environment variables that put the observer into a project's processes.

    They append what they do to the file `events`. `folder` is the project's.
    """
    paths = [str(INSIDE), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "TUTORIAL_EVENTS": str(events),
        "TUTORIAL_PROJECT": str(folder),
    }


def moving(events: Path, redis_url: str) -> dict[str, str]:
    """The variables that lead an observed project to other services than its own.

    `redis_url` is the Redis to which also a project with a fixed address is led. A
    database outside of the project's folder is copied beside `events`.
    """
    return {
        "TUTORIAL_DATABASE": str(events.with_name("outside.sqlite3")),
        "TUTORIAL_REDIS": redis_url.removeprefix("redis://").removesuffix("/0"),
    }


def in_front(command: str) -> str:
    """The command, with the observer in front of a PYTHONPATH that it sets itself.

    What stands there would replace that of `variables`, and hide the observer.
    """
    inside = shlex.quote(str(INSIDE))

    def put(found: re.Match) -> str:
        # An empty part of the variable would be the current folder.
        is_empty = re.match(r"(\"\"|'')?($|[\s;&|])", command[found.end() :])
        return f"PYTHONPATH={inside}" + ("" if is_empty else os.pathsep)

    return re.sub(r"(?<![\w$])PYTHONPATH=", put, command)


def commands_in_front(project: Project) -> dict[str, str]:
    """The commands of the project's Procfile, each with the observer in front."""
    commands = procfile.processes(project.folder)
    return {name: in_front(command) for name, command in commands.items()}


def with_survey(command: str, arguments: list[str]) -> str | None:
    """A web process' command that writes the survey first; None where it cannot.

    `arguments` are those of the survey. Only what manage.py starts can do both in one
    process.
    """
    start = re.search(r"\bpython3?\s+manage\.py(?=\s+runserver\b)", command)
    if start is None:
        return None
    survey = shlex.join(["python", str(SURVEY), *arguments, "--", "manage.py"])
    return command[: start.start()] + survey + command[start.end() :]
