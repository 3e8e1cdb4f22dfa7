"""Finds the files that belong to a project, and copies them."""

import contextlib
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tutorial.problem import Problem

# The folder to which `new --catch-up` moves the files that it replaces.
KEPT_ASIDE = ".before-catch-up"

# The file in which `repair` records the mistakes that it has put into the folder.
OF_THE_REPAIR_SHOP = ".repair.json"

# Files and folders that are not part of a project. Diffs and listings omit them.
LEFTOVERS = (
    *("__pycache__", "db.sqlite3", ".pytest_cache", ".ruff_cache", "test-results"),
    *(".venv", "venv", ".env", ".DS_Store"),
    # Only in learners' folders: files of git and editors, and files moved aside.
    *(".git", ".gitignore", ".idea", ".vscode", ".python-version", KEPT_ASIDE),
    OF_THE_REPAIR_SHOP,
    *("node_modules", "site-packages", "staticfiles", "static_root"),
)
DATABASES = (".sqlite3", ".sqlite", ".db")
LEFTOVER_SUFFIXES = (*DATABASES, ".pyc", ".log", "-wal", "-shm", "-journal")

# A folder with more files than this is not a project; it may be a home folder.
MOST_FILES = 5_000


def files(folder: Path) -> dict[str, Path]:
    """Return the files of the project in `folder`, sorted by their path.

    The keys are the paths below `folder`.

    Leaves out databases, caches, logs, `.env` files and virtual environments. Raises
    Problem if a folder cannot be read.
    """
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(entries(folder))
        if path.is_file()
    }


def entries(folder: Path) -> Iterator[Path]:
    """Yield the files and links that belong to the project in `folder`.

    Raises Problem if a folder cannot be read, or if there are more than MOST_FILES.
    """
    return (path for path in _walk(folder) if not _is_leftover(path))


def is_part(folder: Path) -> bool:
    """Whether a folder inside a project is a part of that project.

    This is false for LEFTOVERS, hidden folders, and virtual environments of any name.
    """
    return (
        folder.name not in LEFTOVERS
        and not folder.name.startswith(".")
        and not (folder / "pyvenv.cfg").exists()
    )


def copy_project(folder: Path, target: Path) -> None:
    """Copy the files that belong to the project in `folder` to the folder `target`."""
    for name, path in files(folder).items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target / name)


def copy_with_data(folder: Path, target: Path) -> list[Path]:
    """Copy the project in `folder` to `target`, with its databases and `.env` files.

    Returns the copied databases. Raises Problem if `folder` contains no Django project.
    """
    if not (folder / "manage.py").is_file():
        raise Problem(f"{folder} is not a Django project: it has no manage.py.")
    copy_project(folder, target)
    databases = []
    for path in data_files(folder):
        place = target / path.relative_to(folder)
        if path.name.endswith(DATABASES):
            databases.append(_copy_database(path, place))
        elif path.name == ".env":  # not a project file, but the project reads it
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    return databases


def data_files(folder: Path) -> Iterator[Path]:
    """Yield the databases of the project in `folder`, their logs, and `.env` files.

    Raises Problem if a folder cannot be read, or if there are more than MOST_FILES.
    """
    suffixes = (*DATABASES, *(f"{suffix}-wal" for suffix in DATABASES))
    for path in _walk(folder):
        if path.name.endswith(suffixes) or path.name == ".env":
            yield path


def settings_module(folder: Path) -> str:
    """Return the settings module that manage.py names, such as "config.settings".

    Raises Problem if manage.py names none.
    """
    text = (folder / "manage.py").read_text(errors="replace")
    match = re.search(r"DJANGO_SETTINGS_MODULE[\"'],\s*[\"']([\w.]+)", text)
    if match is None:
        raise Problem(
            f"{folder / 'manage.py'} does not say which settings it uses: its line with"
            " DJANGO_SETTINGS_MODULE is missing."
        )
    return match[1]


def _walk(folder: Path) -> Iterator[Path]:
    """Yield files and links below `folder`, except where `is_part` is false."""

    def refuse(error: OSError) -> None:
        raise Problem(f"{error.filename} cannot be read: {error.strerror}.")

    count = 0
    for root, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if is_part(Path(root) / name))
        links = [name for name in folders if (Path(root) / name).is_symlink()]
        for name in (*names, *links):
            count += 1
            if count > MOST_FILES:
                raise Problem(
                    f"{folder} holds more than {MOST_FILES} files. Is it the project's"
                    " own folder?"
                )
            yield Path(root) / name


def _is_leftover(path: Path) -> bool:
    return path.name in LEFTOVERS or path.name.endswith(LEFTOVER_SUFFIXES)


def _copy_database(source: Path, target: Path) -> Path:
    """Copy a database without leaving a new file next to the original."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.with_name(f"{source.name}-wal").exists():
        # Only SQLite can tell which part of the write-ahead log is committed.
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
