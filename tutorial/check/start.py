"""Starts a copy of the project with services of its own, and returns it as a Scene."""

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tutorial import observer
from tutorial.check.code import Code
from tutorial.check.scene import NO_SURVEY, START, Scene, last_words
from tutorial.observer.events import Events
from tutorial.problem import Problem
from tutorial.project import procfile
from tutorial.project.files import copy_with_data, settings_module
from tutorial.runtime.browser import find_browser, launch, present_browser
from tutorial.runtime.monitor import monitor
from tutorial.runtime.project import Project
from tutorial.runtime.services import PROXIES
from tutorial.runtime.stack import Stack, own_services
from tutorial.runtime.waiting import wait_for


class Check:
    """A context manager that starts a copy of the project, and returns its Scene.

    The project is in `folder`. Leaving the context stops and deletes the copy.
    `browser` is a running Playwright browser. If it is None, Check starts one.
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
        output = root / "survey"
        databases: list[Path] = []
        found: dict[str, Any] = {}

        def copy(folder: Path, target: Path) -> None:
            self._say("copying the project")
            copied = copy_with_data(folder, target)
            # SQLite creates an empty file for a database that was never migrated.
            databases.extend(path for path in copied if path.stat().st_size)
            found["settings"] = settings_module(target)
            self._say("starting Redis and the stand-in")

        def prepare(project: Project) -> None:
            redis_url = project.environment["REDIS_URL"]
            project.environment |= observer.variables(events.file, project.folder)
            project.environment |= observer.moving(events.file, redis_url)
            found["browser"] = self._browser()

        def commands(project: Project) -> dict[str, str]:
            # Use the learner's database as it is. If there is none, create one.
            survey = [str(output), found["settings"], *["migrate"] * (not databases)]
            commands = self._commands(project)
            command = observer.with_survey(commands.get("web", ""), survey)
            if command is None:
                self._say("reading the settings")
                write_survey(project, survey)
            else:
                commands["web"] = command
            self._say(f"starting {' and '.join(commands)}")
            return commands

        stack = self._stack.enter_context(
            Stack(
                self._folder,
                root=root,
                copy=copy,
                # The stand-in numbers its answers, so that two streamed answers differ
                # in their first words.
                services=own_services(root, "--numbered"),
                prepare=prepare,
                commands=commands,
                without=PROXIES,
                patience=None,
                grace=0.2,  # seconds; the copy has nothing to save
                on_line=lambda name, line: None,
            )
        )
        project = stack.project
        browser, no_browser = found["browser"]
        scene = Scene(
            stack,
            self._stack.enter_context(monitor(stack.redis_url)),
            browser,
            no_browser,
            number=self._number,
            events=events,
            survey=_read_survey(output, project),
            code=Code(project.folder),
        )
        self._stack.callback(scene.close)
        return scene

    def _browser(self) -> tuple[Any, str]:
        """Return a headless browser, or None and the reason why there is none.

        For step 7, a browser is installed if the machine has none.
        """
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
        """Return the processes' commands, by role: "web", "worker", "worker 2"."""
        commands = {}
        for name, command in procfile.processes(project.folder).items():
            role = procfile.role(name, command)
            if role == "worker" and self._number < 4:
                continue  # a worker would consume the messages that stage 3 looks at
            if role == "web":
                command = with_port(command, project.port)
            key, workers = role, sum(one.split()[0] == "worker" for one in commands)
            if role == "worker" and workers:
                # This key is unique, because a name in a Procfile has no space.
                key = f"worker {workers + 1}"
            commands[key] = observer.in_front(command)
        return commands


def with_port(command: str, port: int) -> str:
    """Return the web command with the check's port, and without Django's reloader."""
    if match := re.search(r"\brunserver\b((\s+[\w.:${}\[\]=-]+)*)", command):
        options = [word for word in match[1].split() if word.startswith("-")]
        words = ["runserver", f"127.0.0.1:{port}", "--noreload", *options]
        arguments = " ".join(dict.fromkeys(words))
        return command[: match.start()] + arguments + command[match.end() :]
    command = re.sub(r"((?:-p|--port)[ =])\S+", rf"\g<1>{port}", command)
    # The --bind of gunicorn contains the port; the -b of daphne does not.
    return re.sub(r"((?:--bind|-b)[ =]\S*:)\S+", rf"\g<1>{port}", command)


def write_survey(project: Project, arguments: list[str]) -> None:
    """Write a survey of the project's settings; see `observer/inside/survey.py`."""
    # If reading the settings hangs, the web process hangs, too. That is reported later.
    with contextlib.suppress(subprocess.TimeoutExpired):
        project.call(
            ["python", str(observer.SURVEY), *arguments],
            environment={"TUTORIAL_PROCESS": "survey"},
            timeout=60,
        )


def _read_survey(output: Path, project: Project) -> dict[str, Any]:
    """Wait for the survey and return it, or an error if it was never written."""
    web = project.running.get("web")
    wait_for(
        lambda: output.exists() or web is None or web.child.poll() is not None, START
    )
    if output.exists():
        return json.loads(output.read_text())
    words = last_words(web.lines if web else [])
    return {"settings": {"error": NO_SURVEY, "message": words, "at": None}}
