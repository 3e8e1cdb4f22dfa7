"""Finds workers of a project that run older code than its folder holds."""

import contextlib
import re
from pathlib import Path

import psutil

from tutorial.check.code import Code
from tutorial.project.files import files, settings_module

# What a worker imports by itself; it reads the rest because one of these imports it.
# (Django's system checks, which a worker runs once, import the views. It runs none.)
BY_NAME = re.compile(r"(^|/)(apps|models|tasks)\.py$")
BY_CODE = re.compile(r"^\s*(from|import) celery\b", re.M)

# Seconds by which a process may seem older than it is: Linux counts its start from that
# of the machine, which it tells in whole seconds.
BLUR = 1.0


def advice(folder: Path) -> list[str]:
    """A sentence on a worker of this project that is older than a file it runs."""
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


def files_of_worker(folder: Path) -> set[str]:
    """The Python files that a worker of the project runs, as paths in `folder`."""
    code = Code(folder)
    settings = settings_module(folder).replace(".", "/")
    first = [
        name
        for name, text in code.texts(".py").items()
        if BY_NAME.search(name) or BY_CODE.search(text)
    ]
    return code.imported_from(f"{settings}.py", f"{settings}/__init__.py", *first)
