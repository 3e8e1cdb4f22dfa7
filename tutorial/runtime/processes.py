"""Runs child processes that start together and end together, whatever happens.

Each child leads a process group of its own. A terminal's Ctrl-C therefore reaches only
this program, and ending a group also ends the processes that the child started. A
reaper process outlives this program, and ends the groups if this program is killed.
"""

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tutorial.runtime import reaper

# The function that starts a child. The tests replace it with a faster function.
popen: Callable[..., subprocess.Popen] = subprocess.Popen

# The first words of commands that only a shell can run.
BUILTINS = ". [ cd eval exec export if for set source test trap ulimit until while {"


@dataclass(eq=False)
class Process:
    """A running child."""

    name: str
    child: subprocess.Popen
    lines: list[str] = field(default_factory=list)

    @property
    def group(self) -> int:
        """The id of its process group."""
        return self.child.pid

    def how_it_ended(self) -> str:
        """Say how the process ended, such as "ended with exit status 1"."""
        code = self.child.returncode
        # A shell reports a child killed by signal N as 128 + N.
        number = -code if code < 0 else code - 128
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(number).name}"
        return f"ended with exit status {code}"


class Processes:
    """A set of child processes. The end of its `with` block ends all of them.

    `on_line(name, line)` is called for each line that a child prints, from the thread
    that reads that child's output.
    """

    def __init__(self, on_line: Callable[[str, str], None]) -> None:
        self._on_line = on_line
        self._running: list[Process] = []
        self._ended: queue.SimpleQueue[Process] = queue.SimpleQueue()
        self._reaper: subprocess.Popen | None = None
        self._reaper_lock = threading.Lock()  # several threads may start children
        self._starting = False
        self._interruption: Exception | None = None

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        if self._reaper:
            self._reaper.stdin.close()
            self._reaper.wait()

    def start(
        self,
        name: str,
        command: str | list[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
    ) -> Process:
        """Start `command` in `folder`, and return its process.

        If the command is a string, the shell runs it.
        """
        self._starting = True
        try:
            with self._reaper_lock:
                if self._reaper is None:
                    self._reaper = subprocess.Popen(
                        [sys.executable, "-S", reaper.__file__],
                        stdin=subprocess.PIPE,
                        start_new_session=True,
                    )
            child = popen(
                _without_shell(command) if isinstance(command, str) else command,
                shell=isinstance(command, str),
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            process = Process(name, child)
            self._running.append(process)
            self._tell_reaper("+", process)
        finally:
            self._starting = False
        for target in (self._read, self._wait):
            threading.Thread(target=target, args=(process,), daemon=True).start()
        if self._interruption:
            raise self._interruption
        return process

    def interrupt(self, error: Exception) -> None:
        """Raise `error`, but never in the middle of a start. Signal handlers call this.

        During a start, a child may run although it is not recorded yet. An error at
        this moment would leave the child running. So the error is raised at the end of
        the start. If the error is lost, for example in a destructor, the next start or
        wait raises it again.
        """
        self._interruption = error
        if not self._starting:
            raise error

    def wait_for_end(self, timeout: float) -> Process | None:
        """Wait for the next process that ends by itself, and return it.

        Returns None if no process ends within `timeout` seconds.
        """
        if self._interruption:
            raise self._interruption
        with contextlib.suppress(queue.Empty):
            process = self._ended.get(timeout=timeout)
            return process if process in self._running else None
        return None

    def stop(
        self, processes: Iterable[Process] | None = None, *, grace: float = reaper.GRACE
    ) -> None:
        """End `processes`, or all running processes if `processes` is None.

        Sends SIGTERM, and SIGKILL `grace` seconds later.
        """
        ending = list(self._running if processes is None else processes)
        reaper.end_groups([process.group for process in ending], grace=grace)
        for process in ending:
            process.child.wait()
            if process in self._running:
                self._running.remove(process)
                self._tell_reaper("-", process)

    def _tell_reaper(self, sign: str, process: Process) -> None:
        with contextlib.suppress(OSError):  # the reaper itself may have been killed
            os.write(self._reaper.stdin.fileno(), f"{sign}{process.group}\n".encode())

    def _read(self, process: Process) -> None:
        for raw in process.child.stdout:
            line = raw.decode(errors="replace").rstrip()
            process.lines.append(line)
            self._on_line(process.name, line)

    def _wait(self, process: Process) -> None:
        # Do not wait for the end of the output: a grandchild may keep the output open.
        process.child.wait()
        self._ended.put(process)


def _without_shell(command: str) -> str:
    """Change the command so that the shell replaces itself with the program.

    Otherwise a signal would end the shell and leave the program running. A command that
    starts more than one program is not changed.
    """
    first = command.split()[:1]
    if re.search(r"[;&|()`\n]", command) or not first or first[0] in BUILTINS.split():
        return command
    is_assignment = re.match(r"\w+=", first[0])
    return f"exec env {command}" if is_assignment else f"exec {command}"
