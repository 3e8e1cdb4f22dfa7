"""Supervises the processes of `run` until one ends and is not started again.

A bad edit can end the web process, or leave it running without listening. The
supervisor then starts it again after the next save. A worker does not reload its code,
so the supervisor reports if the worker runs older code.
"""

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tutorial.problem import Problem
from tutorial.project import procfile
from tutorial.runtime.processes import Process
from tutorial.runtime.saves import QUIET, saved
from tutorial.runtime.stack import Stack

LOOK = 0.5  # seconds between two checks of the processes and the files

# Seconds that Django's server may take to reload the files by itself.
RELOAD = 5.0

FAILED = "{web} {end}: the lines above say why."
SAVE = (
    "Correct the file and save it: {web} starts again by itself. (Ctrl-C ends"
    " everything)"
)
ENDED = (
    "{name} {end}. The map and the other processes keep running. Press Ctrl-C, then run"
    " the command again to start everything."
)
OLDER = (
    "{file} has changed since {worker} started, and {worker} is still running the old"
    " code. Press Ctrl-C, then run the command again to load the new code."
)


@dataclass
class Down:
    """The time when the web process stopped listening, and the files at that time."""

    since: float
    files: dict[str, int]
    has_ended: bool = False
    is_reported: bool = False


class Supervisor:
    """Watches the processes and the files of a running project.

    `say` prints a line. If `goes_on` is true, only the end of the web process ends the
    project.
    """

    def __init__(
        self, stack: Stack, say: Callable[[str], None], *, goes_on: bool = False
    ) -> None:
        self.stack = stack
        self._goes_on = goes_on
        self._say = say
        self._web = ""
        self._worker = ""
        self._down: Down | None = None
        self._is_starting = False  # whether web was started again and is not ready yet
        # A time in nanoseconds. If web is loading the files now, it began to load them
        # after this time.
        self._loading = 0
        self._files: dict[str, int] = {}
        self._last_save = 0.0
        self._code: dict[str, bytes] = {}
        # Whether the worker's code has been checked since the last save.
        self._is_code_looked_at = True
        self._is_older = False  # whether the worker runs older code

    @property
    def is_worker_older(self) -> bool:
        """Whether the worker runs older code than the files contain."""
        return self._is_older

    def note_files(self, worker_files: Iterable[str]) -> None:
        """Read the project's files, immediately before its processes start.

        `worker_files` are the paths, inside the project, of the code that its worker
        runs. Because the files are read before the start, the supervisor also notices
        a save while the project is still starting.
        """
        self._loading = time.time_ns()
        self._files = saved(self.stack.folder)
        self._last_save = time.monotonic()
        self._code = self._contents(worker_files)

    def wait_for_end(self) -> Process:
        """Wait until a process ends and is not started again. Return this process.

        `note_files` has to be called before the processes start.
        """
        self._web = self._name_of("web")
        self._worker = self._name_of("worker")
        while True:
            ended = self.stack.processes.wait_for_end(LOOK)
            if ended and self._goes_on and ended is not self._web_process():
                self._say(ENDED.format(name=ended.name, end=ended.how_it_ended()))
                continue
            if ended and not self._is_forgiven(ended):
                return ended
            self._look_for_saves()
            if self._web:
                self._look_at_web(ended)
            if not self._down:
                self._look_at_worker()

    def _is_forgiven(self, ended: Process) -> bool:
        """Whether `ended` is the web process and has failed, but was not killed."""
        return ended is self._web_process() and 0 < ended.child.returncode < 128

    def _web_process(self) -> Process | None:
        return self.stack.project.running.get(self._web)

    def _look_for_saves(self) -> None:
        before = self._files
        with contextlib.suppress(Problem):  # a folder is being replaced
            self._files = saved(self.stack.folder)
        if self._files != before:
            self._last_save = time.monotonic()
            self._is_code_looked_at = False

    def _is_quiet(self, seconds: float) -> bool:
        """Whether nothing has been saved for more than `seconds` seconds."""
        return time.monotonic() - self._last_save > seconds

    def _look_at_web(self, ended: Process | None) -> None:
        if ended:
            self.stack.processes.stop([ended])  # to end the processes that it started
            self._down = Down(time.monotonic(), self._files_read(), has_ended=True)
        elif self.stack.project.listens():
            if self._is_starting or (self._down and self._down.is_reported):
                self._say(f"Ready again: {self.stack.project.address}")
            self._down, self._is_starting = None, False
            self._loading = time.time_ns()
            return
        self._down = self._down or Down(time.monotonic(), self._files)
        patience = QUIET if self._down.has_ended else RELOAD
        if self._files != self._down.files:
            if self._is_quiet(patience):
                self._start_again()
            return
        seconds = time.monotonic() - self._down.since
        if not self._down.is_reported and (self._down.has_ended or seconds > patience):
            self._report()

    def _files_read(self) -> dict[str, int]:
        """Return the files that have not changed since the web process began to load.

        A file that was saved while the process was loading may contain the fix.
        """
        return {name: at for name, at in self._files.items() if at < self._loading}

    def _report(self) -> None:
        web = self.stack.project.running[self._web]
        end = web.how_it_ended() if self._down.has_ended else "does not listen any more"
        self._say(FAILED.format(web=self._web, end=end))
        self._say(SAVE.format(web=self._web))
        self._down.is_reported = True

    def _start_again(self) -> None:
        self._say(f"Starting {self._web} again")
        self._loading = time.time_ns()
        if not self._down.has_ended:
            self.stack.processes.stop([self.stack.project.running[self._web]])
        self.stack.restart(self._web)
        self._down = Down(time.monotonic(), self._files)
        self._is_starting = True

    def _look_at_worker(self) -> None:
        """Report that the worker runs older code, unless that was already reported."""
        if not self._worker or self._is_code_looked_at or not self._is_quiet(QUIET):
            return
        self._is_code_looked_at = True
        contents = self._contents(self._code)
        changed = [name for name, text in contents.items() if text != self._code[name]]
        if changed and not self._is_older:
            self._say(OLDER.format(file=changed[0], worker=self._worker))
        self._is_older = bool(changed)

    def _name_of(self, role: str) -> str:
        """Return the name of the first process in this role, or ""."""
        for name, process in self.stack.project.running.items():
            if procfile.role(name, str(process.child.args)) == role:
                return name
        return ""

    def _contents(self, names: Iterable[str]) -> dict[str, bytes]:
        found = dict.fromkeys(names, b"")
        for name in found:
            with contextlib.suppress(OSError):  # the editor is replacing the file
                found[name] = (self.stack.folder / name).read_bytes()
        return found
