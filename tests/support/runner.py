"""Runs `tutorial run` as a child process, and records its output and its processes."""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import termios
import threading
import uuid
from pathlib import Path

import psutil

from support import forkserver
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.waiting import wait_until

# The environment variable that marks all processes of a runner.
MARK = "TUTORIAL_TEST"

# The maximum number of seconds until all processes have ended.
END = 5.0


class Runner:
    """A child process in the folder `root`: `tutorial run`, or another `command`.

    With `forks`, the child starts Python programs by forking. That is quick, but
    `processes` does not list these programs.
    """

    def __init__(
        self,
        root: Path,
        *arguments: str,
        command: str = "run",
        port: int | None = None,
        terminal: int | None = None,
        forks: bool = False,
        **extra,
    ):
        self.port = port or free_port()
        self.mark = str(uuid.uuid4())
        self.known: set[psutil.Process] = set()
        self.lines: list[str] = []
        program = [sys.executable, "-m", "tutorial"]
        if forks:
            program = forkserver.tutorial()
        self.child = subprocess.Popen(
            [*program, command, *arguments, "--port", str(self.port)],
            cwd=root,
            env=os.environ | {MARK: self.mark} | extra,
            stdin=subprocess.DEVNULL if terminal is None else terminal,
            stdout=subprocess.PIPE if terminal is None else terminal,
            stderr=subprocess.STDOUT if terminal is None else terminal,
            text=terminal is None,
            start_new_session=True,
            preexec_fn=_take_signals if terminal is None else _take_terminal,
        )
        if terminal is None:
            self.reader = threading.Thread(target=self._read, daemon=True)
            self.reader.start()

    def _read(self) -> None:
        for line in self.child.stdout:
            self.lines.append(line)

    @property
    def output(self) -> str:
        """The output of the command so far."""
        return "".join(self.lines)

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Wait until the command has printed the text."""

        def is_printed() -> bool:
            self._note_children()
            return text in self.output

        wait_until(
            is_printed,
            seconds=seconds,
            otherwise=lambda: f"no {text!r} in:\n{self.output}",
        )

    def _note_children(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            runner = psutil.Process(self.child.pid)
            self.known |= {runner, *runner.children(recursive=True)}

    def processes(self) -> list[psutil.Process]:
        """Return the command's processes that are still running.

        They are found in two ways: as current or former descendants of the command, and
        by its mark. (The mark alone is not enough: Redis overwrites its environment,
        which contains the mark.)
        """
        self._note_children()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == self.mark:
                    self.known.add(process)
        return [process for process in self.known if _runs(process)]

    def one(self, pattern: str) -> psutil.Process:
        """Return the oldest process whose command line matches the pattern."""
        found = []
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if re.search(pattern, " ".join(process.cmdline())):
                    found.append(process)
        return min(found, key=psutil.Process.create_time)

    def wait_until_nothing_is_left(self) -> None:
        """Wait until all processes have ended. Fails if that takes too long."""
        wait_until(
            lambda: not self.processes(),
            seconds=END,
            otherwise=lambda: str(self.processes()),
        )


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _take_signals() -> None:
    # A test run that was started by `nohup` or a shell's `&` ignores these signals.
    # Without the following lines, its children would ignore them, too.
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def _take_terminal() -> None:
    _take_signals()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
