"""The learner's terminals: commands that end, and programs that run until Ctrl-C."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser

from support.checking import print_check
from support.learner import printed
from support.runner import Runner
from tutorial.problem import Problem
from tutorial.runtime.exclusive import free_port, listens
from tutorial.runtime.waiting import wait_until
from tutorial.site import console
from tutorial.site.console import Exchange

# Commands that run until Ctrl-C, and the ports that the page shows for them.
PROGRAMS = {"run": 8000, "docs": 8001}
READY = {"run": "Ready in …", "docs": "…Serving on …"}

PREFIX = "python3 -m tutorial "
MOST_SECONDS = 300  # seconds that a command may take, even on a busy machine

CHECK = re.compile(re.escape(PREFIX) + r"check (?P<number>\d) \.\./(?P<name>[\w-]+)")

RELOADER = Path(__file__).parent / "reloader"


class Program:
    """A program in a terminal, and its output as the reader sees it."""

    def __init__(self, runner: Runner, kind: str, port: int, title: str) -> None:
        self.runner = runner
        self.kind = kind
        self.title = title  # the title of its terminal
        self.started = time.time()
        self._port = port  # the port that the page shows

    def lines(self) -> list[str]:
        """Return the output so far, with the page's port in place of the real port."""
        text = self.runner.output.replace(
            f"127.0.0.1:{self.runner.port}", f"127.0.0.1:{self._port}"
        )
        return text.splitlines()

    @property
    def has_ended(self) -> bool:
        """Whether the program has ended."""
        return self.runner.child.poll() is not None

    def end(self, seconds: float) -> None:
        """Press Ctrl-C, and wait until all its processes are gone."""
        if not self.has_ended:
            self.runner.child.send_signal(signal.SIGINT)
        self.runner.child.wait(timeout=seconds)
        self.runner.reader.join(timeout=seconds)
        wait_until(
            lambda: not self.runner.processes(),
            seconds=seconds,
            otherwise=lambda: f"left over: {self.runner.processes()}",
        )

    def last_words(self) -> str:
        """Return the last lines that the program has printed, below a heading."""
        return "the last lines that the program has printed:\n" + "\n".join(
            f"  {x}" for x in self.lines()[-30:]
        )


class Terminals:
    """All terminals of a learner. They are in `root`, the folder of the tutorial."""

    def __init__(self, root: Path, patience: float, browser: Browser) -> None:
        self.root = root
        self._browser = browser
        self.patience = patience  # the longest wait, in seconds
        self.programs: dict[str, Program] = {}  # by their kind, "run" or "docs"
        self._ports = {kind: free_port() for kind in PROGRAMS}
        self._looks = root.parent / "looks"
        self._looks.mkdir()

    def port(self, kind: str) -> int:
        """Return the real port of all programs of this kind."""
        return self._ports[kind]

    def type(self, body: str, *, fails: bool = False) -> None:
        """Type the commands of a `console` fence with this body, and read the output.

        With `fails`, at least one command has to fail, and the page may omit the line
        with the error. Raises Problem if the output differs from the page.
        """
        block = console.read(body)
        statuses = []
        for exchange in block.exchanges:
            if words := _program(exchange.command):
                self._run(words, exchange, block.title)
            else:
                self._check_free(block.title, exchange.command)
                statuses.append(self._call(exchange, fails))
        if fails and not any(statuses):
            raise Problem("no command of this block fails")

    def press_ctrl_c(self) -> None:
        """End the program that was started last."""
        if not self.programs:
            raise Problem("Ctrl-C: no program is running")
        self._end(list(self.programs)[-1])

    def end_all(self) -> None:
        """End all programs."""
        for kind in list(self.programs):
            self._end(kind)

    def wait_for_a_look(self, since: float) -> None:
        """Wait until Django's server has looked for changes in all its files.

        This look must begin after the time `since`. If one of the files has changed,
        the server restarts. Raises Problem if the program has ended.
        """
        program = self.programs.get("run")
        if program is None:
            return

        def has_looked() -> bool:
            if program.has_ended:
                raise Problem(f"the program has ended; {program.last_words()}")
            times = [
                float(file.read_text())
                for file in self._looks.iterdir()
                if file.suffix != ".new"
            ]
            return max(times, default=0.0) > max(since, program.started)

        wait_until(
            has_looked,
            seconds=self.patience,
            otherwise=lambda: (
                f"Django's server does not look at its files; {program.last_words()}"
            ),
        )

    def wait_for_server(self) -> None:
        """Wait until the project accepts connections, for example after an edit."""
        program = self.programs.get("run")
        if program is None:
            raise Problem("no program is running, so no server answers")

        def answers() -> bool:
            if program.has_ended:
                raise Problem(f"the program has ended; {program.last_words()}")
            return listens(program.runner.port)

        wait_until(
            answers,
            seconds=self.patience,
            otherwise=lambda: f"the server does not answer; {program.last_words()}",
        )

    def _end(self, kind: str) -> None:
        self.programs.pop(kind).end(self.patience)

    def _check_free(self, title: str, command: str) -> None:
        for program in self.programs.values():
            if title and title == program.title and not program.has_ended:
                raise Problem(
                    f"`{command}` cannot be typed in {title}, because"
                    f" `{program.kind}` still runs there: press Ctrl-C first"
                )

    def _run(self, words: list[str], exchange: Exchange, title: str) -> None:
        kind, *arguments = words
        port = PROGRAMS[kind]
        if "--port" in arguments:
            at = arguments.index("--port")
            port = int(arguments[at + 1])
            del arguments[at : at + 2]
        if kind in self.programs:
            self._end(kind)
        runner = Runner(
            self.root,
            *arguments,
            command=kind,
            port=self._ports[kind],
            forks=True,
            PYTHONPATH=str(RELOADER),
            LEARNER_LOOKS=str(self._looks),
            **_variables(),
        )
        program = self.programs[kind] = Program(runner, kind, port, title)
        # If the page shows no output, the reader waits until the program is ready.
        shown = exchange.output or [READY[kind]]

        def missing() -> str | None:
            return printed.first_unseen(shown, program.lines())

        def is_seen_or_ended() -> bool:
            program.runner.processes()  # remember them, to check later that they end
            return program.has_ended or missing() is None

        def otherwise() -> str:
            return (
                f"`{exchange.command}` has not printed the next line of the page,"
                " or has printed it too early:\n"
                f"  {missing()}\n{program.last_words()}"
            )

        wait_until(is_seen_or_ended, seconds=self.patience, otherwise=otherwise)
        if program.has_ended:
            self._end(kind)
            if missing() is not None:
                raise Problem(f"{otherwise()}\nThen it has ended.")

    def _call(self, exchange: Exchange, fails: bool) -> int:
        """Type a command, and return its exit status."""
        command = exchange.command
        _refuse(command)
        variables = _variables()
        if command.startswith(PREFIX + "manage ") and "run" not in self.programs:
            # A project that is not running has no Redis. Without this address, the
            # command would use the Redis at port 6379.
            variables["REDIS_URL"] = "redis://127.0.0.1:9/0"
        check = CHECK.fullmatch(command)
        folder = self.root.parent / check["name"] if check else self.root
        if check and (folder / "manage.py").exists():
            # To save seconds, run the check in this process. There, it can use the
            # browser that is already open, and fork to start the project's programs.
            number, title = check["number"], f"../{folder.name}"
            status, output = print_check(number, title, folder, self._browser)
        else:
            status, output = self._start(command, variables)
        lines = output.splitlines()
        try:
            found = (
                printed.compare(exchange.output, lines) if exchange.output else set()
            )
        except printed.Differs as difference:
            raise Problem(f"`{command}`: {difference}") from None
        if status and not fails and not (found & _telling(lines)):
            raise Problem(
                f"`{command}` has failed, with exit status {status}, and the page does"
                f" not show the line with the error:\n{output}"
            )
        return status

    def _start(self, command: str, variables: dict[str, str]) -> tuple[int, str]:
        """Run a command until it ends, and return its exit status and output."""
        child = subprocess.Popen(
            command,
            shell=True,
            cwd=self.root,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = child.communicate(timeout=MOST_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            output, _ = child.communicate()
            raise Problem(
                f"`{command}` does not end (waited {MOST_SECONDS} s); it has printed:\n"
                f"{output}"
            ) from None
        return child.returncode, output


def _telling(lines: list[str]) -> set[int]:
    """Return the indexes of the lines that can report a failure.

    These are the last line, and the lines of `check` that start with BROKEN.
    """
    filled = [number for number, line in enumerate(lines) if line.strip()]
    failed = {n for n in filled if printed.regular(lines[n]).startswith("BROKEN")}
    return failed | set(filled[-1:])


def _program(command: str) -> list[str]:
    """Return the arguments of a command that runs until Ctrl-C, or else []."""
    if not command.startswith(PREFIX):
        return []
    words = shlex.split(command, comments=True)[3:]
    is_program = words and words[0] in PROGRAMS and "--build" not in words
    return words if is_program else []


def _refuse(command: str) -> None:
    """Raise Problem for a command that a test cannot run as a learner would."""
    if re.match(r"(cd|export|source|\.) ", command):
        raise Problem(
            f"`{command}` would have no effect on later commands: the test runs each"
            " command in a separate shell, in the tutorial's folder"
        )
    if re.match(re.escape(PREFIX) + "(test|pictures|propagate)", command):
        raise Problem(
            f"`{command}` must not run in a test of the pages: write"
            " <!-- not run: why --> above the block"
        )


def _variables() -> dict[str, str]:
    """Return environment variables for the commands of the learner.

    With them, `python3` is the Python of this process, and prints without a buffer.
    """
    python = Path(sys.executable).parent
    return {
        "PATH": f"{python}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
    }
