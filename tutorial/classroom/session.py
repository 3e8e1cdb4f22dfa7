"""Checks the folders of a class, several at a time, each in its own processes."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from tutorial.classroom import keeper, kept
from tutorial.classroom.folders import Folder, digest
from tutorial.classroom.keeper import Order, end_all, marked, remove
from tutorial.classroom.row import Row
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.runtime.browser import BROWSER_VARIABLE, find_browser, present_browser

LOOK = 0.1  # seconds between two polls of the running checks
TIMEOUT = 90.0  # the default time limit for the check of a folder, in seconds

# The only environment variables of the instructor that a folder's processes inherit.
SEEN = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")

# A function that shows the progress. Its arguments are the number of folders that are
# done, the number of all folders, the seconds left (None if unknown), and the names of
# the folders that are being checked.
Show = Callable[[int, int, float | None, list[str]], None]


@dataclass
class Running:
    """A check that is running."""

    number: int  # the position of the folder in the class
    folder: Folder
    key: str  # the cache key of its result
    child: subprocess.Popen
    output: IO[bytes]
    mark: str
    place: Path
    started: float

    @property
    def seconds(self) -> float:
        """How long the check has been running, in seconds."""
        return time.monotonic() - self.started

    def stop(self) -> None:
        """End the check and its processes, by closing the input of its keeper."""
        with contextlib.suppress(OSError):
            self.child.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(2 * keeper.LAST)
        if self.child.returncode != 0:  # the keeper failed, so processes may be left
            end_all(lambda: marked(self.mark))
            self.child.kill()
            self.child.wait()
        remove(self.place)


class Session:
    """Checks the folders up to stage `number`, at most `jobs` folders at a time."""

    def __init__(
        self, folders: list[Folder], number: int, jobs: int, seconds: float
    ) -> None:
        self._folders = folders
        self._number = number
        self._jobs = jobs
        self._seconds = seconds
        self._rows: dict[int, Row] = {}
        self._running: list[Running] = []
        self._took: list[float] = []  # the seconds of each check that has ended
        # Only step 7 needs a browser, so only a check of step 7 installs one.
        self._browser = (find_browser() if number >= 7 else present_browser()) or ""

    def run(self, show: Show, *, again: bool) -> list[Row]:
        """Check the folders, and return their rows.

        If `again` is true, cached results are ignored.
        """
        waiting = deque(self._prepare(again))
        with tempfile.TemporaryDirectory(prefix="tutorial-class-") as root:
            try:
                while waiting or self._running:
                    while waiting and len(self._running) < self._jobs:
                        self._start(*waiting.popleft(), Path(root))
                    self._collect()
                    names = [running.folder.name for running in self._running]
                    seconds = [running.seconds for running in self._running]
                    left = remaining(self._took, seconds, len(waiting), self._jobs)
                    show(len(self._rows), len(self._folders), left, names)
                    time.sleep(LOOK)
            finally:
                # Close every input first, so that the checks end at the same time.
                for running in self._running:
                    running.child.stdin.close()
                for running in self._running:
                    running.stop()
        kept.remove_oldest()
        return [row for _, row in sorted(self._rows.items())]

    def _prepare(self, again: bool) -> Iterator[tuple[int, Folder, str]]:
        """Yield the folders to check as (position, folder, cache key).

        For every other folder, the result is already known: its row is added at once.
        """
        for number, folder in enumerate(self._folders):
            if folder.project is None:
                self._note(number, folder, {"problem": folder.problem})
                continue
            try:
                name = self._key(folder)
            except Problem as problem:
                self._note(number, folder, {"problem": str(problem)})
                continue
            result = None if again else kept.read(name, self._seconds)
            if result:
                self._note(number, folder, result, is_kept=True)
            else:
                yield number, folder, name

    def _key(self, folder: Folder) -> str:
        return kept.key(self._number, digest(folder.project), self._browser)

    def _note(self, number: int, folder: Folder, result: dict, **options: bool) -> None:
        notes = list(result.get("notes", ()))
        self._rows[number] = Row(folder, self._number, result, notes=notes, **options)

    def _start(self, number: int, folder: Folder, key: str, root: Path) -> None:
        place, mark = root / str(number), secrets.token_hex(16)
        one = [sys.executable, "-m", "tutorial.classroom.one"]
        command = [*one, str(self._number), str(folder.project)]
        order = Order(command, str(place), self._seconds)
        output = tempfile.TemporaryFile()  # noqa: SIM115
        child = subprocess.Popen(
            [sys.executable, "-m", keeper.__name__, json.dumps(asdict(order))],
            cwd=ROOT,
            env=self._environment() | {keeper.MARK: mark},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            # Ctrl-C must reach only this process, which then ends the keepers.
            start_new_session=True,
        )
        now = time.monotonic()
        self._running.append(
            Running(number, folder, key, child, output, mark, place, now)
        )

    def _environment(self) -> dict[str, str]:
        """Return the environment of a check, without the instructor's secrets."""
        seen = {name: os.environ[name] for name in SEEN if name in os.environ}
        browser = {BROWSER_VARIABLE: self._browser} if self._browser else {}
        return {**seen, **browser, "PYTHONUNBUFFERED": "1"}

    def _collect(self) -> None:
        for running in list(self._running):
            if running.child.poll() is None:
                continue
            running.stop()
            self._running.remove(running)
            self._took.append(running.seconds)
            with running.output as output:
                output.seek(0)
                said = output.read().decode(errors="replace")
            result = self._result(said)
            self._note(running.number, running.folder, result)
            if "report" in result or "timeout" in result:
                # A folder that changed during its check is checked again next time.
                with contextlib.suppress(Problem):
                    if self._key(running.folder) == running.key:
                        kept.write(running.key, result)

    def _result(self, said: str) -> dict:
        """Read the result of a check from what its keeper printed."""
        try:
            ending = json.loads(said)
        except ValueError:
            return {"problem": "the check was killed"}
        if ending["is_timeout"]:
            return {"problem": ending["limit"], "timeout": self._seconds}
        if ending["limit"]:
            return {"problem": ending["limit"]}
        try:
            result = json.loads(ending["output"])
        except ValueError:
            words = (ending["errors"].strip().splitlines() or ["it printed nothing"])[
                -1
            ]
            return {"problem": f"the check ended unexpectedly: {words[:200]}"}
        if left := ending["left"]:
            words = "processes were" if left > 1 else "process was"
            note = f"{left} {words} still running after the check and had to be killed"
            result["notes"] = [note]
        return result


def remaining(
    took: list[float], running: list[float], waiting: int, jobs: int
) -> float | None:
    """Estimate the seconds until all checks have ended.

    Returns None if no check has ended yet. `took` contains the seconds that each ended
    check took. `running` contains the seconds that each running check has taken so far.
    `waiting` is the number of checks that have not begun. At most `jobs` checks run at
    a time.
    """
    if not took:
        return None
    each = sum(took) / len(took)
    left = sum(max(each - seconds, 0) for seconds in running)
    return (waiting * each + left) / jobs
