"""Finds a project's workers that run code older than the files in its folder."""

import contextlib
from pathlib import Path

import psutil

from tutorial.check.code import files_of_worker
from tutorial.project.files import files

# A process may seem older than it is, by up to this number of seconds. Linux counts the
# start time from the boot time, which it knows only in whole seconds.
BLUR = 1.0


def advice(folder: Path) -> list[str]:
    """Return one sentence if a worker of this project is older than a file it runs."""
    paths = files(folder)
    changed = {name: paths[name].stat().st_mtime for name in files_of_worker(folder)}
    newest = max(changed, key=changed.__getitem__, default=None)
    if newest is None:
        return []
    for process in psutil.process_iter(["cmdline", "create_time"]):
        with contextlib.suppress(psutil.Error, OSError):
            command = " ".join(process.info["cmdline"] or ())
            if "celery" not in command or " worker" not in command:
                continue
            if Path(process.cwd()).resolve() != folder.resolve():
                continue
            if process.info["create_time"] + BLUR < changed[newest]:
                return [
                    f"{newest} was changed after your worker (process {process.pid})"
                    " had started, so it runs older code. Stop it and start it again."
                ]
    return []
