"""Checks the place of a new folder, and removes the folder if an error occurs."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from tutorial.paths import ROOT
from tutorial.problem import Problem


def check_place(name: str, folder: Path) -> None:
    """Raise Problem if the folder is a file, or is inside another project."""
    if folder.exists() and not folder.is_dir():
        raise Problem(f"{name} is a file. Choose another name for the folder.")
    around = next((p for p in folder.parents if (p / "manage.py").is_file()), None)
    if around:
        raise Problem(
            f"{name} is inside another Django project, {around}.\n"
            "Choose a folder outside of it."
        )


def check_outside_the_tutorial(name: str, folder: Path, example: str) -> None:
    """Raise Problem if the folder is inside the tutorial's own repository."""
    if folder.is_relative_to(ROOT):
        raise Problem(
            f"{name} is inside the tutorial's folder, which is also a git repository.\n"
            f"Choose a folder next to it, for example {example}"
        )


@contextlib.contextmanager
def readable_errors(name: str) -> Iterator[None]:
    """Turn errors of the file system into a Problem about the folder `name`."""
    try:
        yield
    except OSError as error:
        raise Problem(
            f"{name} cannot be made: {error.strerror}, {error.filename}."
        ) from error


@contextlib.contextmanager
def all_or_nothing(folder: Path) -> Iterator[None]:
    """Create the folder.

    If the `with` block fails, remove everything that was created.
    """
    around = [path for path in folder.parents if not path.exists()]
    is_new = not folder.exists()
    before = set() if is_new else set(folder.iterdir())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        if folder.is_dir():
            for path in set(folder.iterdir()) - before:
                _remove(path)
        if is_new:
            with contextlib.suppress(OSError):
                for path in (folder, *around):
                    path.rmdir()
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
