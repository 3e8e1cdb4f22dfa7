"""Waits until files of a project are saved, for `run` and `check --watch`."""

import contextlib
import time
from pathlib import Path

from tutorial.project.files import files

LOOK = 0.2  # seconds between two checks for saved files
# If no file changes for this many seconds, the save is complete. An editor may save
# several files in a row.
QUIET = 0.5


def saved(folder: Path) -> dict[str, int]:
    """Return each file's time of last change, in nanoseconds, by the file's path."""
    found = {}
    for name, path in files(folder).items():
        with contextlib.suppress(FileNotFoundError):
            found[name] = path.stat().st_mtime_ns
    return found


def wait_for_save(folder: Path, before: dict[str, int]) -> None:
    """Wait until the files differ from `before` and do not change for QUIET seconds."""
    while (now := saved(folder)) == before:
        time.sleep(LOOK)
    while True:
        time.sleep(QUIET)
        if (later := saved(folder)) == now:
            return
        now = later
