"""Finds a project's processes, packages and services by reading its files.

It reads the Procfile, requirements.txt, and the code. A learner's project may lack the
first two files, or they may be written in a different way.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tutorial.project.files import files

# The same commands as in the Procfiles of the steps.
WEB = "python manage.py runserver ${PORT:-8000}"
WORKER = "celery --app {} worker --pool threads --concurrency 8 --loglevel INFO"

# The default port of Django's server and of daphne, uvicorn and hypercorn.
USUAL_PORT = 8000

# A Celery app that `celery --app` can find: a module's global variable.
CELERY_APP = re.compile(r"^\w+\s*(?::[^=\n]+)?=\s*(?:\w+\.)?Celery\(", re.M)
NO_QUEUE = re.compile(r"^\s*(?:CELERY_)?TASK_ALWAYS_EAGER\s*=\s*True\b", re.M | re.I)

IMPORTS = {
    "redis": re.compile(
        r"^\s*(?:import|from)\s+(?:redis|channels_redis)\b"
        r"|\brediss?://|[\"']channels_redis\.",
        re.M,
    ),
    "celery": re.compile(r"^\s*(?:import|from)\s+celery\b", re.M),
    "openai": re.compile(r"^\s*(?:import|from)\s+openai\b", re.M),
}


@dataclass(frozen=True)
class Line:
    """A line of a Procfile that names a process."""

    number: int  # the line's number, from 1
    name: str
    command: str

    @property
    def role(self) -> str:
        """The role of the process: see the function `role`."""
        return role(self.name, self.command)


def processes(folder: Path) -> dict[str, str]:
    """Return the commands in the Procfile of `folder`, by process name, in file order.

    If two lines have the same name, the last one counts; see `replaced`. If there is no
    Procfile, or if it is empty, returns the command of Django's server, and also the
    command of a worker if the project has a Celery app and no TASK_ALWAYS_EAGER.
    """
    return {line.name: line.command for line in _lines(folder)} or _usual(folder)


def replaced(folder: Path) -> list[tuple[Line, Line]]:
    """Return the replaced lines of the Procfile, each with the line that replaces it.

    A line is replaced if a later line has the same name.
    """
    lines = _lines(folder)
    last = {line.name: line for line in lines}
    return [(line, last[line.name]) for line in lines if last[line.name] != line]


def _lines(folder: Path) -> list[Line]:
    texts = _text(folder / "Procfile").splitlines()
    found = (re.match(r"\s*([A-Za-z0-9_-]+):\s*(.+)", text) for text in texts)
    return [
        Line(number, match[1], match[2])
        for number, match in enumerate(found, start=1)
        if match
    ]


def role(name: str, command: str) -> str:
    """Return "web" or "worker" if the command starts such a process, else `name`."""
    if re.search(r"\bcelery\b.*\bworker\b", command):
        return "worker"
    if re.search(r"\b(runserver|daphne|uvicorn|hypercorn|gunicorn)\b", command):
        return "web"
    return name


def fixed_port(folder: Path) -> int | None:
    """Return the port of the web process if its command does not use $PORT.

    Returns None if the command uses $PORT, or if its port cannot be determined.
    """
    for name, command in processes(folder).items():
        if role(name, command) == "web" and not re.search(r"\$\{?PORT\b", command):
            return _named_port(command)
    return None


def packages(folder: Path) -> dict[str, str]:
    """Return the versions in `folder`'s requirements.txt, by lower-case package name.

    The version is "" if the requirement does not name an exact version.
    """
    pattern = (
        r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*"
        r"(?:===?\s*([^\s;,#]+)|(?=[<>=!~;@#(])|$)"
    )
    lines = _text(folder / "requirements.txt").splitlines()
    found = (re.match(pattern, line) for line in lines)
    return {
        re.sub(r"[-_.]+", "-", match[1]).lower(): match[2] or ""
        for match in found
        if match
    }


def needs(folder: Path) -> set[str]:
    """Return which of "redis" and "openai" the project in `folder` uses.

    Looks at requirements.txt and at the code, because a learner who types a step may
    forget to update requirements.txt.
    """
    listed = _text(folder / "requirements.txt")
    named = set(packages(folder))
    code = _code(folder).values()
    found = {name for name, sign in IMPORTS.items() if any(map(sign.search, code))}
    if "openai" in named:
        found.add("openai")
    if any("redis" in name for name in named) or re.search(r"\[[^]#]*redis", listed):
        found.add("redis")
    if "celery" in found and not named:
        found.add("redis")
    return found - {"celery"}


def _usual(folder: Path) -> dict[str, str]:
    app = _celery_app(folder)
    return {"web": WEB} | ({"worker": WORKER.format(app)} if app else {})


def _celery_app(folder: Path) -> str | None:
    """Return the value of `celery --app`, or None if the project has no Celery app.

    For `config/celery.py` it is "config", because Celery looks into the submodule
    `celery` of a package.
    """
    code = _code(folder)
    if any(map(NO_QUEUE.search, code.values())):
        return None
    modules = [
        path.removesuffix(".py").split("/")
        for path, text in code.items()
        if CELERY_APP.search(text) and not re.search(r"(^|/)tests?\b|/test_", path)
    ]
    modules = [parts for parts in modules if all(map(str.isidentifier, parts))]
    if not modules:
        return None
    usual = ("celery", "__init__")
    parts = min(modules, key=lambda parts: (parts[-1] not in usual, len(parts), parts))
    if len(parts) > 1 and parts[-1] in usual:
        parts = parts[:-1]
    return ".".join(parts)


def _named_port(command: str) -> int | None:
    if runserver := re.search(r"\brunserver\b(.*)", command):
        words = runserver[1].split()
        matches = (re.fullmatch(r"(?:\S*:)?(\d{2,5})", word) for word in words)
        return next((int(match[1]) for match in matches if match), USUAL_PORT)
    option = r"(?:-p|--port|-b|--bind)[ =]?(?:\S*:)?(\d{2,5})\b"
    if match := re.search(option, command):
        return int(match[1])
    # gunicorn reads $PORT itself.
    return USUAL_PORT if re.search(r"\b(daphne|uvicorn|hypercorn)\b", command) else None


def _code(folder: Path) -> dict[str, str]:
    """Return the text of each Python file, by its path."""
    return {
        path: _text(file)
        for path, file in files(folder).items()
        if path.endswith(".py")
    }


def _text(file: Path) -> str:
    """Return the file's text; "" if it cannot be read."""
    try:
        return file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""
