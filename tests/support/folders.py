"""Makes folders for tests: a learner's project, or a copy of the repository."""

import shutil
import subprocess
from pathlib import Path

from support.running import migrate_once
from tutorial.paths import ROOT
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

    With this project, `tutorial run` starts Redis and the API's stand-in as usual.
    """
    shutil.copytree(STUB, folder)
    return folder


def copy_repository(target: Path) -> Path:
    """Copy the repository to `target`, without its tests, and return `target`."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        + ["--", ":!tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    return target


def check_same(folder: Path, step: str) -> None:
    """Check that each file of the project is equal to the file of the step."""
    assert not list(difference.compare(folder, steps.find(step).folder))


def everything(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below the folder, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def migrate(folder: Path) -> None:
    """Create or migrate the database of the project in the folder."""
    migrate_once(Project(folder, 8000))
