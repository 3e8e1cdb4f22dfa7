"""Keeps one check of a class within its limits, as a program: `session` starts it.

Its argument is an `Order` as JSON. It starts the command, ends it at a limit, and then
ends everything that came from it: also what has left its process group or has lost its
parent. If `session` ends, in whatever way, the standard input of this program ends, and
so does the check. It prints an `Ending` as JSON.
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

# The variable that all processes of a check carry, and which no other process has.
MARK = "TUTORIAL_CLASS_CHECK"

LOOK = 0.5  # seconds between two looks at the limits
GRACE = 1.0  # seconds in which helpers of an ended check end by themselves
LAST = 10.0  # seconds in which everything has to be ended

MEGABYTE = 1024**2
MOST_FILES = 20_000  # in the temporary folder
# Threads that a user's processes may start in addition to those that run already.
MORE_THREADS = 2_000

# From <linux/prctl.h>: an orphan becomes a child of this process.
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Order:
    """A command, and what it may use."""

    command: list[str]
    folder: str  # its temporary files and its home; made here, and removed at the end
    seconds: float
    megabytes: int = 512  # of all its temporary files
    file_megabytes: int = 256  # of one file, wherever that is
    memory_megabytes: int = 3_072
    processes: int = 200


@dataclass(frozen=True)
class Ending:
    """How a command has ended."""

    limit: str = ""  # the limit at which it was ended, in words
    is_timeout: bool = False
    status: int | None = None
    output: str = ""
    errors: str = ""
    left: int = 0  # processes that were still running after it


class Keeper:
    """Runs one order."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._folder = Path(order.folder)
        self._deadline = time.monotonic() + order.seconds
        self._is_timeout = False

    def run(self) -> Ending:
        """Run the command, end everything that is left, and remove its folder."""
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
        """Set the limits that the system itself keeps."""
        _set_limit(resource.RLIMIT_FSIZE, self._order.file_megabytes * MEGABYTE)
        _set_limit(resource.RLIMIT_CORE, 0)
        if os.getuid():  # root has no limit
            _set_limit(resource.RLIMIT_NPROC, _threads_of_user() + MORE_THREADS)

    def _wait(self, child: subprocess.Popen) -> str:
        """Wait for the child's end, or for a limit: that limit in words."""
        next_look = time.monotonic() + LOOK
        while child.poll() is None:
            if select.select([sys.stdin], [], [], 0.05)[0]:
                return "it was interrupted"
            if time.monotonic() >= self._deadline:
                self._is_timeout = True
                return f"it was ended after {self._order.seconds:g} s"
            if time.monotonic() >= next_look:
                if limit := self._exceeded():
                    return limit
                next_look = time.monotonic() + LOOK
        return ""

    def _exceeded(self) -> str:
        order = self._order
        if not _is_smaller(self._folder, order.megabytes * MEGABYTE):
            return f"it was ended: it wrote more than {order.megabytes} MB"
        processes = list(_descendants())
        if len(processes) > order.processes:
            return f"it was ended: it started more than {order.processes} processes"
        memory = 0
        for process in processes:
            with contextlib.suppress(psutil.Error):
                memory += process.memory_info().rss
        if memory > order.memory_megabytes * MEGABYTE:
            return f"it was ended: it took more than {order.memory_megabytes} MB memory"
        return ""

    def _found(self) -> set[psutil.Process]:
        """All that came from this process: its descendants, and what has the mark."""
        return {*_descendants(), *marked(os.environ.get(MARK, ""))}

    def _left(self) -> int:
        """How many processes go on after the check has ended."""
        end = time.monotonic() + GRACE
        while left := [one for one in _descendants() if _runs(one)]:
            if time.monotonic() >= end:
                break
            time.sleep(0.02)
        return len(left)


def end_all(find: Callable[[], Iterable[psutil.Process]]) -> None:
    """End every process that `find` returns, until it returns none that runs."""
    end = time.monotonic() + LAST
    while time.monotonic() < end:
        stopped: set[psutil.Process] = set()
        # Stop all of them first: otherwise, they could start other processes.
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
    """The other processes that carry the mark."""
    for process in psutil.process_iter() if mark else ():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                yield process


def remove(folder: Path) -> None:
    """Remove a folder, also where its owner has made parts of it read-only."""
    for root, folders, _ in os.walk(folder):
        for name in folders:
            with contextlib.suppress(OSError):
                path = Path(root) / name
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _adopt_orphans() -> None:
    """Become the parent of each descendant whose own parent ends. Linux only."""
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
    """Whether the files below the folder take less than `size` bytes of the disk."""
    count = taken = 0
    for root, _, names in os.walk(folder):
        for name in names:
            count += 1
            with contextlib.suppress(OSError):  # removed since `walk`
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
