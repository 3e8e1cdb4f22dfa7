"""Finds the tutorial's own files, except those that git or our .gitignore ignores."""

import fnmatch
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tutorial.paths import ROOT
from tutorial.problem import Problem


@dataclass(frozen=True)
class Sources:
    """The files, by their path in the tutorial's folder, and where they come from."""

    files: dict[str, Path]
    origin: str


def find() -> Sources:
    """Find the files of the tutorial as they are on the disk.

    They include new files that git does not ignore, because the program or the site may
    need them. Raises Problem if git does not work.
    """
    if not (ROOT / ".git").exists():
        names = sorted(_not_ignored(ROOT))
        return Sources(
            {name: ROOT / name for name in names}, "the files of this folder"
        )
    listed = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = sorted(filter(None, listed.split("\0")))
    files = {name: ROOT / name for name in names if (ROOT / name).is_file()}
    origin = f"the files of commit {_git('rev-parse', '--short', 'HEAD').strip()}"
    changes = _git("status", "--porcelain", "--untracked-files=all").splitlines()
    if changes:
        files_ = "a file" if len(changes) == 1 else f"{len(changes)} files"
        origin += f" with {files_} changed or added since"
    return Sources(files, origin)


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise Problem(
            "This is a git repository, and git is not installed. Install git."
        ) from None
    if result.returncode:
        raise Problem(f"git cannot list the tutorial's files: {result.stderr.strip()}")
    return result.stdout


def _not_ignored(folder: Path) -> Iterator[str]:
    """The paths of the files in `folder` that its .gitignore does not name."""
    lines = (folder / ".gitignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    for top, folders, names in os.walk(folder):
        place = Path(top).relative_to(folder)
        folders[:] = [
            name for name in folders if not _is_ignored(place / name, patterns)
        ]
        for name in names:
            if not _is_ignored(place / name, patterns):
                yield (place / name).as_posix()


def _is_ignored(path: Path, patterns: list[str]) -> bool:
    for pattern in patterns:
        whole = pattern.strip("/")
        # As in git, a pattern with a slash at the start or in the middle matches only
        # paths relative to this folder.
        subject = path.as_posix() if "/" in pattern.rstrip("/") else path.name
        if fnmatch.fnmatch(subject, whole):
            return True
    return False
