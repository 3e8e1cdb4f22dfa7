"""Reads a project's Procfile and requirements: which processes, which services.

A person's own project may lack both, or write them in a way of its own.
"""

import re
from pathlib import Path

from tutorial.project.files import files

# What the steps' own Procfiles say.
WEB = "python manage.py runserver ${PORT:-8000}"
WORKER = "celery --app {} worker --pool threads --concurrency 8 --loglevel INFO"

# The port that Django's server and the others take where nobody names one.
USUAL_PORT = 8000

# A Celery app that `celery --app` finds: a name of the module, not of a function in it.
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


def processes(folder: Path) -> dict[str, str]:
    """The commands of the Procfile in `folder`, by process name, in its order.

    Without a Procfile, or with an empty one: Django's server, and a worker where the
    project has a Celery app that does not run its tasks by itself.
    """
    lines = _text(folder / "Procfile").splitlines()
    found = (re.match(r"\s*([A-Za-z0-9_-]+):\s*(.+)", line) for line in lines)
    return {match[1]: match[2] for match in found if match} or _usual(folder)


def role(name: str, command: str) -> str:
    """ "web" or "worker" for what a process is, whatever the Procfile calls it."""
    if re.search(r"\bcelery\b.*\bworker\b", command):
        return "worker"
    if re.search(r"\b(runserver|daphne|uvicorn|hypercorn|gunicorn)\b", command):
        return "web"
    return name


def fixed_port(folder: Path) -> int | None:
    """The port of a web process that does not ask for $PORT; None where it does.

    None, too, where the command does not tell.
    """
    for name, command in processes(folder).items():
        if role(name, command) == "web" and not re.search(r"\$\{?PORT\b", command):
            return _named_port(command)
    return None


def packages(folder: Path) -> dict[str, str]:
    """The versions in `folder`'s requirements.txt, by package name in lower case.

    A version is empty where no exact one is asked for.
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
    """The services that the project in `folder` talks to: "redis", "openai".

    As its requirements.txt says, or its code: who types a step may forget the former.
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
    """What `celery --app` takes for the project's Celery app; None where it has none.

    For `config/celery.py`, "config": Celery looks for its submodule `celery` itself.
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
    # gunicorn reads $PORT by itself.
    return USUAL_PORT if re.search(r"\b(daphne|uvicorn|hypercorn)\b", command) else None


def _code(folder: Path) -> dict[str, str]:
    """The text of each Python file, by its path."""
    return {
        path: _text(file)
        for path, file in files(folder).items()
        if path.endswith(".py")
    }


def _text(file: Path) -> str:
    """The file's text; "" where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""
