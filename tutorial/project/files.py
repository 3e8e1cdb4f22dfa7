"""A copy of a project to run, so that the learner's folder stays as it is."""

import contextlib
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tutorial.problem import Problem
from tutorial.steps import LEFTOVERS

# Other people's code, other versions of this project's, and what runs leave behind.
LEFT_OUT = {*LEFTOVERS, "env", "node_modules", "site-packages", "staticfiles"}
KEPT = {".env"}  # holds settings, for the project's own use
DATABASES = (".sqlite3", ".sqlite", ".db")
MOST_FILES = 5_000


def own_files(folder: Path) -> dict[str, Path]:
    """The project's files by their path inside `folder`, sorted; no database."""
    found = {}
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        if not path.name.endswith((*DATABASES, ".pyc", ".log", "-wal", "-shm")):
            found[name] = path
    return dict(sorted(found.items()))


def copy(folder: Path, target: Path) -> list[Path]:
    """Copy the project in `folder` with its databases to `target`.

    Returns the copied databases. Raises Problem where `folder` holds no Django project.
    """
    if not (folder / "manage.py").is_file():
        raise Problem(f"{folder} is no Django project: it has no manage.py.")
    for name, path in own_files(folder).items():
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    return [
        _copy_database(path, target / path.relative_to(folder))
        for path in _walk(folder)
        if path.name.endswith(DATABASES)
    ]


def settings_module(folder: Path) -> str:
    """The settings that manage.py names, such as "config.settings"."""
    text = (folder / "manage.py").read_text(errors="replace")
    match = re.search(r"DJANGO_SETTINGS_MODULE[\"'],\s*[\"']([\w.]+)", text)
    if match is None:
        raise Problem(
            f"{folder / 'manage.py'} does not say which settings it uses: its line with"
            " DJANGO_SETTINGS_MODULE is missing."
        )
    return match[1]


def _walk(folder: Path) -> Iterator[Path]:
    count = 0
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in LEFT_OUT and (name[0] != "." or name in KEPT)
        )
        for name in files:
            if name in KEPT or name not in LEFTOVERS or name.endswith(DATABASES):
                count += 1
                if count > MOST_FILES:
                    raise Problem(
                        f"{folder} holds more than {MOST_FILES} files. Is it the"
                        " project's own folder?"
                    )
                yield Path(root) / name


def _copy_database(source: Path, target: Path) -> Path:
    """Copy a database, and leave no file beside it that was not there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.with_name(f"{source.name}-wal").exists():
        # SQLite knows what in its write-ahead log belongs to it.
        with contextlib.suppress(sqlite3.Error):
            old = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)
            with (
                contextlib.closing(old),
                contextlib.closing(sqlite3.connect(target)) as new,
            ):
                old.backup(new)
            return target
    shutil.copy(source, target)
    return target
