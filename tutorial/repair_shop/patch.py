"""The patches with the mistakes, and how they are applied to a copy of a step."""

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tutorial.problem import Problem
from tutorial.project.files import copy_project
from tutorial.project.steps import Step

PATCHES = Path(__file__).with_name("patches")

# A patch is made against one step. In a later step, the lines around the change may be
# different. Then it is enough that one line above and one line below match.
WAYS = (("--recount",), ("--recount", "-C1"))

CHANGED = re.compile(r"^diff --git a/(\S+) b/(\S+)$", re.M)


@dataclass(frozen=True)
class Patch:
    """A patch that puts one mistake into a step."""

    name: str
    step: int  # the step for which it is made; it may fit later steps, too
    mistake: str  # the id of the mistake in `mistakes.toml`

    @property
    def file(self) -> Path:
        """The file with the patch."""
        return PATCHES / f"{self.name}.patch"

    @property
    def places(self) -> list[str]:
        """The paths of the files that the patch changes, relative to the project."""
        found = CHANGED.findall(self.file.read_text())
        return list(dict.fromkeys(name for names in found for name in names))


@cache
def patches() -> dict[str, Patch]:
    """Return all patches, by name."""
    found = {}
    for file in sorted(PATCHES.glob("*.patch")):
        head = head_of(file)
        found[file.stem] = Patch(file.stem, int(head["step"]), head["mistake"])
    return found


def head_of(file: Path) -> dict[str, str]:
    """Return the header of a patch file as a dictionary from label to text."""
    head = file.read_text().partition("\ndiff ")[0]
    return dict(re.findall(r"^(\w+): (.*)$", head, re.M))


@contextlib.contextmanager
def broken(patch: Patch, step: Step) -> Iterator[Path]:
    """Create a temporary copy of the project of `step` that has the mistake.

    Yields its path. Raises Problem if the patch does not fit the step, or if git is not
    installed.
    """
    with tempfile.TemporaryDirectory(prefix="tutorial-repair-") as temporary:
        made = Path(temporary).resolve() / "project"
        copy_project(step.folder, made)
        if not apply(patch, made):
            raise Problem(f"The mistake {patch.name} does not fit step {step.name}.")
        yield made


def apply(patch: Patch, folder: Path) -> bool:
    """Put the mistake into the project in `folder`.

    Returns whether the patch fits there. Raises Problem if git is not installed.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_")
    }
    environment |= {
        # Without this variable, if the folder is inside a repository, git would look
        # for the files in the repository's top folder.
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    for way in WAYS:
        command = ["git", "apply", *way, str(patch.file)]
        try:
            result = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True
            )
        except FileNotFoundError:
            raise Problem(
                "git is needed for the repair shop, and it is not installed.\n"
                "Install it, for example: sudo apt install git, or: brew install git"
            ) from None
        if result.returncode == 0:
            return True
    return False
