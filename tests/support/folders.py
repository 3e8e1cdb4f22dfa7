"""A learner's folders, as `tutorial new` leaves them."""

import shutil
from pathlib import Path

from support.running import migrate_once
from tutorial.project import difference, steps
from tutorial.project.files import copy_project
from tutorial.runtime.project import Project

STUB = Path(__file__).parent / "stub"


def make(folder: Path, step: str) -> Path:
    """Make a learner's folder with the project as the step leaves it."""
    copy_project(steps.find(step).folder, folder)
    return folder


def make_stub(folder: Path) -> Path:
    """A project of two tiny processes, for tests of what starts and ends processes.

    It asks for Redis and for the API, which are real.
    """
    shutil.copytree(STUB, folder)
    return folder


def check_same(folder: Path, step: str) -> None:
    """Check that the project is the step's, file by file."""
    assert not list(difference.compare(folder, steps.find(step).folder))


def everything(folder: Path) -> dict[str, bytes]:
    """The contents of all files below the folder, leftovers included."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def migrate(folder: Path) -> None:
    """Make the folder's own database, or bring it up to date."""
    migrate_once(Project(folder, 8000))
