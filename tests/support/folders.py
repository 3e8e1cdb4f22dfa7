"""Makes a learner's folders, as `tutorial new` does."""

import shutil
from pathlib import Path

from support.running import migrate_once
from tutorial.project import difference, steps
from tutorial.project.files import copy_project
from tutorial.runtime.project import Project

STUB = Path(__file__).parent / "stub"


def make(folder: Path, step: str) -> Path:
    """Make a learner's folder with the project at the end of the step."""
    copy_project(steps.find(step).folder, folder)
    return folder


def make_stub(folder: Path) -> Path:
    """Make a project of two tiny processes, for tests that start and end processes.

    `tutorial run` starts the usual Redis and the usual stand-in for it.
    """
    shutil.copytree(STUB, folder)
    return folder


def check_same(folder: Path, step: str) -> None:
    """Check that the project is equal to the step, file by file."""
    assert not list(difference.compare(folder, steps.find(step).folder))


def everything(folder: Path) -> dict[str, bytes]:
    """The contents of all files below the folder, including leftovers."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def migrate(folder: Path) -> None:
    """Create or migrate the folder's own database."""
    migrate_once(Project(folder, 8000))
