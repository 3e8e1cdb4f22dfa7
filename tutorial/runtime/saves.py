"""Waits until files of a project are saved, for `run` and `check --watch`."""

import contextlib
import time
from pathlib import Path

from tutorial.project.files import files

LOOK = 0.2  # seconds between two checks for saved files
QUIET = 0.5  # seconds without a save: an editor may save several files in a row


def saved(folder: Path) -> dict[str, int]:
    """The time of each file's last change, in nanoseconds, by its path."""
    found = {}
    for name, path in files(folder).items():
        with contextlib.suppress(FileNotFoundError):
            found[name] = path.stat().st_mtime_ns
    return found


def wait_for_save(folder: Path, before: dict[str, int]) -> None:
    """Return when the files differ from `before` and have not changed for QUIET."""
    while (now := saved(folder)) == before:
        time.sleep(LOOK)
    while True:
        time.sleep(QUIET)
        if (later := saved(folder)) == now:
            return
        now = later
