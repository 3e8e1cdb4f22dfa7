"""Visits the projects of the lab: other people's projects with the same flow.

A project of the lab is a folder in tests/lab/: `project/`, ten `mistakes/*.patch`,
optionally `unsafe/*.patch`, and `visit.py`, which describes how a person uses it:

    prepare(manage)                # optional: can create a user before the start
    ask(page, url, question, turn) # turn 1 opens the page, turn 2 uses the open page
    reads(page)                    # optional: the text that has to contain an answer
"""

import contextlib
import importlib.util
import re
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from playwright.sync_api import Browser, Error

from tutorial import observer
from tutorial.check.start import with_port
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project import procfile
from tutorial.project.files import copy_project
from tutorial.runtime.project import Project
from tutorial.runtime.stack import Stack
from tutorial.runtime.waiting import pause_in, wait_for
from tutorial.visitor.site import Site

LAB = ROOT / "tests" / "lab"
START = 25.0  # the limit for the start of the project, in seconds
ANSWER = 8.0  # the limit for each wait for an answer, in seconds


class Breaks(Exception):
    """A visitor did not get an answer. The message says what the visitor saw."""


def projects() -> list[Path]:
    """Return the folders of the lab's projects."""
    return sorted(path.parent for path in LAB.glob("*/visit.py"))


def mistakes() -> list[Path]:
    """Return the patches of all projects. Each patch adds a single mistake."""
    return sorted(LAB.glob("*/mistakes/*.patch"))


def unsafe() -> list[Path]:
    """Return the patches after which a search works, but the project is unsafe."""
    return sorted(LAB.glob("*/unsafe/*.patch"))


def head_of(patch: Path) -> dict[str, str]:
    """Return the fields at the start of a patch, such as `mistake` and `file`."""
    head = patch.read_text().partition("\n\n")[0]
    return dict(re.findall(r"^(\w+): *(.*)$", head, re.M))


def copy(folder: Path, target: Path, patch: Path | None = None) -> None:
    """Copy a project of the lab to `target`, with a mistake if one is given."""
    copy_project(folder / "project", target)
    if patch:
        subprocess.run(["git", "apply", str(patch)], cwd=target, check=True)


def visit(folder: Path, source: Path, browser: Browser) -> None:
    """Start the project in `source`, and ask two questions with `folder`'s visit.py.

    Raises Breaks if an answer does not appear.
    """
    person = person_of(folder)

    def prepare(project: Project) -> None:
        # Replace a hard-coded Redis address with that of the test's own Redis.
        events, redis_url = source.parent / "events", project.environment["REDIS_URL"]
        project.environment |= observer.variables(events, project.folder)
        project.environment |= observer.moving(events, redis_url)
        project.migrate()
        if hasattr(person, "prepare"):
            person.prepare(manage_of(project))

    def commands(project: Project) -> dict[str, str]:
        started = procfile.processes(project.folder)
        for name, command in started.items():
            if procfile.role(name, command) == "web":
                started[name] = with_port(command, project.port)
        return started

    stack = Stack(
        source,
        prepare=prepare,
        commands=commands,
        # pytest-django sets this variable to the settings of another project.
        without=["DJANGO_SETTINGS_MODULE"],
        patience=None,
        grace=0.3,
    )
    try:
        with stack:
            _wait_until_ready(stack)
            with page_of(browser) as page:
                for turn in (1, 2):
                    _ask(stack, person, page, turn)
    except (Problem, Error) as error:
        raise Breaks(str(error)) from error


def person_of(folder: Path) -> ModuleType:
    """Import the `visit.py` of the lab's project, and return the module."""
    spec = importlib.util.spec_from_file_location("visit", folder / "visit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def manage_of(project: Project) -> Callable[..., None]:
    """Return a function that runs the project's manage.py, and asserts its success."""

    def manage(*arguments: str) -> None:
        result = project.manage(*arguments)
        assert result.returncode == 0, result.stderr

    return manage


def _wait_until_ready(stack: Stack) -> None:
    processes = stack.project.running.values()

    def ended() -> bool:
        return any(process.child.poll() is not None for process in processes)

    def is_ready() -> bool:
        return stack.project.listens() and " ready." in str(stack.log)

    wait_for(lambda: is_ready() or ended(), START)
    if not is_ready():
        raise Breaks(f"a process is not ready: {stack.log[-5:]}")


@contextlib.contextmanager
def page_of(browser: Browser) -> Iterator[Any]:
    """Open a page in a new browser context. Close both after the `with` block."""
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.set_default_timeout(6000)
        yield page


def _ask(stack: Stack, person: ModuleType, page: Any, turn: int) -> None:
    site = Site(stack.project.url, stack.redis_url, stack.openai_url)
    question = f"What is a broker? {secrets.token_hex(3)}"
    person.ask(page, site.url, question, turn)

    def answer() -> str | None:
        for request in site.requests_to_openai():
            if question in request["input"] and request["answer"]:
                return " ".join(request["answer"].split()[:5])
        return None

    words = wait_for(answer, ANSWER, pause_in(page))
    if not words:
        raise Breaks(f"question {turn} has not reached the API")
    reads = getattr(person, "reads", lambda page: page.inner_text("body"))

    def is_shown() -> bool:
        return words in " ".join(reads(page).split())

    if not wait_for(is_shown, ANSWER, pause_in(page)):
        raise Breaks(f"the answer to question {turn} is not in the page: {words}")
