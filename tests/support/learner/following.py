"""Follows a page: types its listings, runs its commands, and looks at the browser."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser

from support.learner.keyboard import Keyboard
from support.learner.page import COMMANDS, LISTING, POSITIVE, Action, Page
from support.learner.printed import pattern, regular
from support.learner.terminal import Terminals
from support.learner.window import Window
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project import steps
from tutorial.runtime.waiting import wait_until
from tutorial.site import fences, listing
from tutorial.site.pair import find_pair

PATIENCE = 60.0  # the longest wait, in seconds

RUN = "$ python3 -m tutorial run ../my-search"
FAULTS = ROOT / "tutorial" / "repair_shop" / "patches"


def follow(page: Page, root: Path, browser: Browser) -> None:
    """Do what the page says, with `root` as the learner's copy of the repository.

    Raises SybilFailure if the page is wrong. Its message names the page and the line,
    and says what was seen.
    """
    learner = Learner(page, root, browser)
    try:
        page.go_down(learner.do)
        learner.finish()
    finally:
        learner.leave()


class Learner:
    """A reader of a page, with a folder, terminals and a browser."""

    def __init__(self, page: Page, root: Path, browser: Browser) -> None:
        self.page = page
        self.folder = root.parent / "my-search"
        self.terminals = Terminals(root, PATIENCE, browser)
        url = f"http://127.0.0.1:{self.terminals.port('run')}"
        self.window = Window(browser, url, PATIENCE)
        self._said_before = 0  # the number of lines printed before the last `ask`
        self._unwanted: list[str] = []
        self._keyboard = self._take_seat()

    def _take_seat(self) -> Keyboard | None:
        """Make the folder that the page expects. Return a Keyboard that types into it.

        Return None if the page is not about a step.
        """
        step = {step.name: step for step in steps.steps()}.get(self.page.step)
        if step is None:
            return None
        if not self._is_made_by_the_page():
            self._have(str(step.number - 1))
        return Keyboard(find_pair(step.name), self.folder)

    def _have(self, words: str) -> None:
        """Make the folder again, with the project at the end of a step.

        `words` is the number of the step, such as "5". With "5 no_await", the mistake
        `no_await` is added.
        """
        step, _, fault = words.partition(" ")
        if self.terminals.programs:
            raise Problem(
                "my-search: a program is running there; write <!-- Ctrl-C --> first"
            )
        if self.folder.exists():
            shutil.rmtree(self.folder)
        program = [sys.executable, "-m", "tutorial"]
        _call(self.terminals.root, *program, "new", "../my-search", step)
        if fault:
            _call(self.folder, "git", "apply", str(FAULTS / f"{fault}.patch"))

    def _is_made_by_the_page(self) -> bool:
        return any(
            action.name == COMMANDS and "tutorial new ../my-search" in action.argument
            for action in self.page.actions()
        )

    def hurry(self, seconds: float) -> None:
        """Limit each wait after this call to this many seconds."""
        self.terminals.patience = self.window.patience = seconds

    def do(self, action: Action) -> None:
        """Do the next action of the page.

        Raises Problem, TimeoutError or AssertionError if that fails.
        """
        name, argument = action.name, action.argument
        if name == LISTING:
            self._type(argument)
        elif name == COMMANDS:
            self._command(argument, fails=action.fails)
        elif name == "run":
            self._command(RUN)
        elif name == "my-search":
            self._have(argument)
        elif name == "Ctrl-C":
            self.terminals.press_ctrl_c()
        elif name == "terminal":
            self._wait_for_line(argument)
        elif name == "terminal not":
            self._unwanted.append(argument)
        else:
            try:
                self._look(name, argument)
            except TimeoutError as error:
                programs = self.terminals.programs.values()
                words = [program.last_words() for program in programs]
                raise TimeoutError("\n".join([str(error), *words])) from None
        if name in POSITIVE:
            self._check_unwanted()

    def finish(self) -> None:
        """Raise Problem if the folder is not equal to the step of the page."""
        if self._keyboard:
            try:
                self._keyboard.compare()
            except Problem as problem:
                raise Problem(f"{self.page.path}, at its end: {problem}") from None

    def leave(self) -> None:
        """End all programs, and close the window."""
        try:
            self.terminals.end_all()
        finally:
            self.window.close()

    def _command(self, body: str, *, fails: bool = False) -> None:
        programs = dict(self.terminals.programs)
        self.terminals.type(body, fails=fails)
        if self.terminals.programs != programs:
            self._said_before = 0

    def _type(self, body: str) -> None:
        fields = fences.fields("step", body, listing.FIELDS)
        is_of_the_page = str(fields.get("step", self.page.step)) == self.page.step
        if self._keyboard is None or not is_of_the_page:
            return
        # A server that has just started must see the file before the file is changed.
        self.terminals.wait_for_a_look(0)
        if self._keyboard.type(body):
            self.terminals.wait_for_a_look(time.time())

    def _look(self, name: str, argument: str) -> None:
        program = self.terminals.programs.get("run")
        window = self.window
        if name == "open":
            if program is None:
                raise Problem(
                    "open: no program is running, so there is no page to open"
                )
            window.open()
            return
        if not window.is_open:
            raise Problem(f"{name}: no page is open yet; write <!-- open --> first")
        if name == "reload":
            self.terminals.wait_for_server()
            window.reload()
        elif name == "ask":
            self.terminals.wait_for_server()
            self._said_before = len(program.lines()) if program else 0
            window.ask(argument)
        elif name == "sees":
            window.see(argument)
        elif name == "sees not":
            window.see_not(argument)
        elif name == "badge":
            window.badge(argument)
        elif name == "status":
            window.status(argument)
        else:
            window.hear(name, argument)

    def _said(self) -> list[str]:
        """Return what the running program has printed since the last `ask`."""
        program = self.terminals.programs.get("run")
        if program is None:
            raise Problem("terminal: no program is running")
        return program.lines()[self._said_before :]

    def _wait_for_line(self, text: str) -> None:
        fitting = pattern(text)

        def otherwise() -> str:
            seen = "".join(f"\n  {line}" for line in self._said())
            return f"the terminal has not printed “{text}”; it has printed:{seen}"

        wait_until(
            lambda: any(fitting.search(regular(line)) for line in self._said()),
            seconds=self.terminals.patience,
            otherwise=otherwise,
        )

    def _check_unwanted(self) -> None:
        for text in self._unwanted:
            fitting = pattern(text)
            for line in self._said():
                if fitting.search(regular(line)):
                    raise Problem(f"the terminal has printed “{text}”:\n  {line}")
        self._unwanted.clear()


def _call(folder: Path, *command: str) -> None:
    """Run a command that no page shows. Raises Problem if it fails."""
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if result.returncode:
        raise Problem(f"{' '.join(command)}: {result.stdout}{result.stderr}")
