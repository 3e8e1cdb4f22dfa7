"""A program that checks one learner's folder, within limits. `session` starts it.

Its argument is an `Order` as JSON. It starts the order's command, and stops it if it
exceeds a limit. It then kills every process that the command started, including those
that left the process group or lost their parent. If `session` exits for any reason, the
standard input of this program is closed, and this program stops the check. At the end,
it prints an `Ending` as JSON.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

# The mark: an environment variable that every process of a check inherits. Each check
# has its own value.
MARK = "TUTORIAL_CLASS_CHECK"

LOOK = 0.5  # seconds between two checks of the limits
GRACE = 1.0  # seconds that helper processes may take to exit after the check ends
LAST = 10.0  # seconds that `end_all` may take to kill all processes

MEGABYTE = 1024**2
MOST_FILES = 20_000  # how many files the temporary folder may contain
# How many threads the user's processes may start, in addition to existing threads.
MORE_THREADS = 2_000

# An option from <linux/prctl.h>: orphaned descendants become children of this process.
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Order:
    """A command and its limits."""

    command: list[str]
    folder: str  # for home and temporary files; `Keeper` creates and removes it
    seconds: float
    megabytes: int = 512  # for all temporary files together
    file_megabytes: int = 256  # for each file that the command writes
    memory_megabytes: int = 3_072
    processes: int = 200


@dataclass(frozen=True)
class Ending:
    """How a command has ended."""

    limit: str = ""  # why it was stopped early, as text
    is_timeout: bool = False
    status: int | None = None
    output: str = ""
    errors: str = ""
    left: int = 0  # how many processes were still running after the command ended


class Keeper:
    """Runs the command of one order, within the order's limits."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._folder = Path(order.folder)
        self._deadline = time.monotonic() + order.seconds
        self._is_timeout = False

    def run(self) -> Ending:
        """Run the command. Then kill all remaining processes, and remove the folder."""
        _adopt_orphans()
        home = self._folder / "home"
        home.mkdir(parents=True)
        try:
            return self._run(home)
        finally:
            end_all(self._found)
            remove(self._folder)

    def _run(self, home: Path) -> Ending:
        paths = {"HOME": str(home), "TMPDIR": str(self._folder)}
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            child = subprocess.Popen(
                self._order.command,
                env=os.environ | paths,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                preexec_fn=self._limit,
            )
            limit = self._wait(child)
            left = 0 if limit else self._left()
            end_all(self._found)
            child.wait()
            texts = []
            for file in (output, errors):
                file.seek(0)
                texts.append(file.read().decode(errors="replace"))
        return Ending(limit, self._is_timeout, child.returncode, *texts, left)

    def _limit(self) -> None:
        """Set the limits that the operating system enforces."""
        _set_limit(resource.RLIMIT_FSIZE, self._order.file_megabytes * MEGABYTE)
        _set_limit(resource.RLIMIT_CORE, 0)
        if os.getuid():  # the system does not apply this limit to root
            _set_limit(resource.RLIMIT_NPROC, _threads_of_user() + MORE_THREADS)

    def _wait(self, child: subprocess.Popen) -> str:
        """Wait until the child ends, and return "".

        If the child has to be stopped early, return the reason without waiting.
        """
        next_look = time.monotonic() + LOOK
        while child.poll() is None:
            if select.select([sys.stdin], [], [], 0.05)[0]:
                return "it was interrupted"
            if time.monotonic() >= self._deadline:
                self._is_timeout = True
                return f"it was stopped after {self._order.seconds:g} s"
            if time.monotonic() >= next_look:
                if limit := self._exceeded():
                    return limit
                next_look = time.monotonic() + LOOK
        return ""

    def _exceeded(self) -> str:
        order = self._order
        if not _is_smaller(self._folder, order.megabytes * MEGABYTE):
            return (
                f"it was stopped: it wrote more than {order.megabytes} MB or"
                f" {MOST_FILES} files"
            )
        processes = list(_descendants())
        if len(processes) > order.processes:
            return f"it was stopped: it started more than {order.processes} processes"
        memory = 0
        for process in processes:
            with contextlib.suppress(psutil.Error):
                memory += process.memory_info().rss
        if memory > order.memory_megabytes * MEGABYTE:
            limit = f"{order.memory_megabytes} MB of memory"
            return f"it was stopped: it used more than {limit}"
        return ""

    def _found(self) -> set[psutil.Process]:
        """Return the descendants of this process, and all processes with the mark."""
        return {*_descendants(), *marked(os.environ.get(MARK, ""))}

    def _left(self) -> int:
        """Wait up to GRACE seconds. Return how many descendants are still running."""
        end = time.monotonic() + GRACE
        while left := [one for one in _descendants() if _runs(one)]:
            if time.monotonic() >= end:
                break
            time.sleep(0.02)
        return len(left)


def end_all(find: Callable[[], Iterable[psutil.Process]]) -> None:
    """Kill the processes that `find` returns, until none of them is running."""
    end = time.monotonic() + LAST
    while time.monotonic() < end:
        stopped: set[psutil.Process] = set()
        # Suspend all processes before killing any: a running one could start new ones.
        while new := {one for one in find() if _runs(one)} - stopped:
            stopped |= new
            _send(new, signal.SIGSTOP)
            if time.monotonic() >= end:
                break
        _send(stopped, signal.SIGKILL)
        _reap()
        if not stopped:
            return
        time.sleep(0.02)


def marked(mark: str) -> Iterator[psutil.Process]:
    """Yield all processes with the mark, except this process."""
    for process in psutil.process_iter() if mark else ():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                yield process


def remove(folder: Path) -> None:
    """Remove a folder, even if folders in it are read-only."""
    for root, folders, _ in os.walk(folder):
        for name in folders:
            with contextlib.suppress(OSError):
                path = Path(root) / name
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends (Linux only)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _set_limit(what: int, value: int) -> None:
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(what, (value, value))


def _threads_of_user() -> int:
    count = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.uids().real == os.getuid():
                count += process.num_threads()
    return count


def _is_smaller(folder: Path, size: int) -> bool:
    """Whether the folder holds at most MOST_FILES files and `size` bytes on disk."""
    count = taken = 0
    for root, _, names in os.walk(folder):
        for name in names:
            count += 1
            with contextlib.suppress(OSError):  # the file was removed after the listing
                taken += os.lstat(f"{root}/{name}").st_blocks * 512
        if taken > size or count > MOST_FILES:
            return False
    return True


def _descendants() -> Iterator[psutil.Process]:
    yield from psutil.Process().children(recursive=True)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _send(processes: set[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            process.send_signal(number)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    ending = Keeper(Order(**json.loads(sys.argv[1]))).run()
    print(json.dumps(asdict(ending)))
