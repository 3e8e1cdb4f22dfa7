"""Starts a copy of the project with services of its own, and holds all to look at."""

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tutorial import observer
from tutorial.check.code import Code
from tutorial.observer.events import Events
from tutorial.problem import Problem
from tutorial.project import procfile
from tutorial.project.files import copy_with_data, settings_module
from tutorial.runtime.browser import find_browser, launch, present_browser
from tutorial.runtime.processes import Processes
from tutorial.runtime.project import Project
from tutorial.runtime.redis_watch import RedisWatch, watch
from tutorial.runtime.stack import Stack
from tutorial.runtime.waiting import wait_for
from tutorial.visitor.site import Site
from tutorial.visitor.visitor import Answer, Visitor

START = 20.0  # seconds that a process has to be ready
PATIENCE = 12.0  # seconds that a visitor waits for a page


@dataclass
class Search:
    """A question that was asked, and what has happened since."""

    question: str
    events: Events
    visitor: Visitor | None = None
    answer: Answer | None = None
    before: frozenset[str] = frozenset()  # the page's texts before the question
    after: Answer | None = None  # the page that a redirect led to
    mark: int = 0  # in the commands of Redis


@dataclass
class Scene:
    """The running project, its services, and what was found out so far."""

    folder: Path  # of the copy
    events: Events
    project: Project
    processes: Processes
    site: Site
    redis: RedisWatch
    survey: dict[str, Any]
    code: Code
    browser: Any = None  # a Playwright browser, or None
    no_browser: str = ""  # why there is none
    new_database: bool = False
    path: str = "/"
    advice: list[str] = field(default_factory=list)
    number: int = 7  # the last stage that is asked for
    search: Search | None = None  # the first, without a socket
    second: Search | None = None  # another visitor's, which the API refuses

    def question(self, about: str) -> str:
        """A question that nobody has asked yet."""
        return f"What is a {about}? {secrets.token_hex(3)}"

    def visitor(self) -> Visitor:
        """A new visitor who asks at the page with the form."""
        return Visitor(self.site, self.path, PATIENCE)

    @property
    def view(self) -> str | None:
        """Where the view of the page with the form is, or None."""
        return next(
            (url["at"] for url in self.survey["urls"] if url["path"] == self.path), None
        )

    def ask(self, question: str, visitor: Visitor | None = None) -> Search:
        """Send the question with the page's form."""
        visitor = visitor or self.visitor()
        before = frozenset(visitor.get().page.pieces)
        search = Search(question, self.events.mark(), visitor, before=before)
        search.mark = self.redis.mark()
        search.answer = visitor.ask(question)
        return search

    def answered(self, question: str) -> dict | None:
        """What the stand-in was asked and said for this question, or None."""
        for request in self.site.requests_to_openai():
            if question in request["input"]:
                return request
        return None

    def requests(self) -> int:
        """How many requests have reached the stand-in."""
        return len(self.site.requests_to_openai())

    def lines(self, name: str) -> list[str]:
        """What the process `name`, "web" or "worker", has printed."""
        process = self.project.running.get(name)
        return list(process.lines) if process else []

    def has_ended(self, name: str) -> bool:
        """Whether the process has ended by itself."""
        process = self.project.running.get(name)
        return bool(process) and process.child.poll() is not None

    def why_it_ended(self, name: str) -> tuple[str, str | None]:
        """The last words of a process that ended, and the project's line in them."""
        process = self.project.running[name]
        process.child.wait()
        wait_for(lambda: process.lines, 1)
        return last_words(process.lines), self.place_in(process.lines)

    def place_in(self, lines: list[str]) -> str | None:
        """The last line of the project in a traceback."""
        root = str(self.folder.resolve()) + os.sep
        place = None
        for line in lines:
            match = re.search(r'File "([^"]+)", line (\d+)', line)
            if match and match[1].startswith(root) and "site-packages" not in match[1]:
                name = match[1].removeprefix(root)
                if name != "manage.py":
                    place = f"{name}:{match[2]}"
        return place

    @cached_property
    def has_worker(self) -> bool:
        """Whether the project starts a worker."""
        return "worker" in self.project.running


def last_words(lines: list[str]) -> str:
    """The exception in a traceback, or else the last line."""
    words = [line.strip() for line in lines if line.strip()]
    errors = [
        # click, and so Celery, says what is wrong in the line that follows.
        " ".join(words[number : number + 2]) if word == "Error:" else word
        for number, word in enumerate(words)
        if re.match(r"[\w.]*(Error|Exception|Warning)\b", word)
    ]
    return (errors or words or ["it said nothing"])[-1][:300]


class Check:
    """Makes a scene of the project in `folder`. Leaving the context removes it all.

    `browser` is a Playwright browser that runs already; else one is started.
    """

    def __init__(
        self,
        folder: Path,
        number: int,
        say: Callable[[str], None],
        browser: Any = None,
    ) -> None:
        self._folder = folder
        self._number = number
        self._say = say
        self._running_browser = browser
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Scene:
        try:
            return self._enter()
        except BaseException:
            self._stack.close()
            raise

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def _enter(self) -> Scene:
        root = Path(tempfile.mkdtemp(prefix="tutorial-check-")).resolve()
        self._stack.callback(shutil.rmtree, root, ignore_errors=True)
        events = Events(root / "events")
        databases: list[Path] = []
        pool = self._stack.enter_context(ThreadPoolExecutor(1))
        found: dict[str, Any] = {}

        def copy(folder: Path, target: Path) -> None:
            self._say("copying the project")
            databases.extend(copy_with_data(folder, target))
            found["settings"] = settings_module(target)
            self._say("starting Redis and the stand-in")

        def prepare(project: Project) -> None:
            self._say("reading the settings")
            redis_url = project.environment["REDIS_URL"]
            project.environment |= observer.variables(
                events.file, project.folder, redis_url
            )
            # A database of the learner's is used as it is; without one, one is made.
            surveying = pool.submit(
                _survey, project, root / "survey", found["settings"], not databases
            )
            found["browser"] = self._browser()
            found["survey"] = surveying.result()

        stack = self._stack.enter_context(
            Stack(
                self._folder,
                root=root,
                copy=copy,
                prepare=prepare,
                commands=self._commands,
                patience=None,
                grace=0.2,  # nobody needs the copy any more
                on_line=lambda name, line: None,
            )
        )
        project = stack.project
        browser, no_browser = found["browser"]
        scene = Scene(
            project.folder,
            events,
            project,
            stack.processes,
            Site(project.url, stack.redis_url, stack.openai_url),
            self._stack.enter_context(watch(stack.redis_url)),
            found["survey"],
            Code(project.folder),
            browser,
            no_browser,
            not databases,
            number=self._number,
        )
        if web := project.running.get("web"):
            wait_for(lambda: project.listens() or web.child.poll() is not None, START)
        return scene

    def _browser(self) -> tuple[Any, str]:
        """A headless browser; for step 7 one is installed if need be."""
        if self._running_browser:
            return self._running_browser, ""
        program = present_browser()
        if program is None and self._number >= 7:
            try:
                program = find_browser()
            except Problem as problem:
                return None, str(problem)
        if program is None:
            return None, "this machine has no Chromium and no Chrome"
        try:
            return self._stack.enter_context(launch(program)), ""
        except Problem as problem:
            return None, str(problem)

    def _commands(self, project: Project) -> dict[str, str]:
        """The commands of the project's processes, under our names for them."""
        commands = {}
        for name, command in procfile.processes(project.folder).items():
            role = procfile.role(name, command)
            if role == "worker" and self._number < 4:
                continue  # it would take the messages that these stages look at
            if role == "web":
                command = with_port(command, project.port)
            commands[role] = command
        self._say(f"starting {' and '.join(commands)}")
        return commands


def with_port(command: str, port: int) -> str:
    """The web process' command with the check's port, and without the reloader."""
    if match := re.search(r"\brunserver\b(\s+[\w.:${}\[\]-]+)?", command):
        arguments = f"runserver 127.0.0.1:{port} --noreload"
        if (match[1] or "").strip().startswith("-"):
            arguments += match[1]
        return command[: match.start()] + arguments + command[match.end() :]
    command = re.sub(r"((?:-p|--port)[ =])\S+", rf"\g<1>{port}", command)
    # gunicorn's address has the port in it, daphne's has not.
    return re.sub(r"((?:--bind|-b)[ =]\S*:)\S+", rf"\g<1>{port}", command)


def _survey(
    project: Project, output: Path, settings: str, new_database: bool
) -> dict[str, Any]:
    """What the project's settings come to: see `observer/survey.py`."""
    command = ["python", str(observer.SURVEY), str(output), settings]
    result = subprocess.run(
        command + ["migrate"] * new_database,
        cwd=project.folder,
        env=project.environment | {"TUTORIAL_PROCESS": "survey"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if output.exists():
        return json.loads(output.read_text())
    words = last_words((result.stdout + result.stderr).splitlines())
    return {"settings": {"error": "Exit", "message": words, "at": None}}
