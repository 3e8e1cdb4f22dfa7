"""Compares the files, processes and packages of two projects, and says what to do."""

import ast
import difflib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tutorial.problem import Problem
from tutorial.project import procfile
from tutorial.project.files import files

# What a package that is new in a project needs, apart from its installation.
NEEDS = {
    "redis": "Start: a Redis server, such as redis-server",
    "openai": "Set: OPENAI_API_KEY, your key for the OpenAI API",
}


@dataclass(frozen=True)
class FileDiff:
    """How one file differs between two projects."""

    path: str
    old: list[str] | None  # its lines; None if the file does not exist
    new: list[str] | None

    @property
    def added(self) -> int:
        """The number of added lines."""
        return sum(line.startswith("+") for line in self._body())

    @property
    def removed(self) -> int:
        """The number of removed lines."""
        return sum(line.startswith("-") for line in self._body())

    @property
    def kind(self) -> str:
        """What happened to the file: "new file", "removed" or "changed"."""
        if self.old is None:
            return "new file"
        return "removed" if self.new is None else "changed"

    def unified(self) -> list[str]:
        """Return the change as a unified diff, without line endings."""
        before = f"a/{self.path}" if self.old is not None else "/dev/null"
        after = f"b/{self.path}" if self.new is not None else "/dev/null"
        return [f"--- {before}", f"+++ {after}", *self._body()]

    def _body(self) -> list[str]:
        lines = difflib.unified_diff(self.old or [], self.new or [], lineterm="")
        return list(lines)[2:]


def compare(old: Path, new: Path) -> Iterator[FileDiff]:
    """Yield the files that differ between two projects, sorted by path."""
    before, after = files(old), files(new)
    for path in sorted(before.keys() | after.keys()):
        lines = [
            _lines(side[path]) if path in side else None for side in (before, after)
        ]
        if lines[0] != lines[1]:
            yield FileDiff(path, *lines)


def is_the_same(change: FileDiff) -> bool:
    """Whether both versions of a file do the same thing, although their text differs.

    Blank lines do not count. In a migration, comments and formatting do not count,
    either: `makemigrations` writes the date in a comment, and has its own format.
    """
    if change.kind != "changed":
        return False
    filled = [[line for line in x if line.strip()] for x in (change.old, change.new)]
    if filled[0] == filled[1]:
        return True
    if not re.search(r"migrations/\d\w+\.py$", change.path):
        return False
    try:
        trees = [ast.dump(ast.parse("\n".join(lines))) for lines in filled]
    except SyntaxError:
        return False
    return trees[0] == trees[1]


def _lines(path: Path) -> list[str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror}.") from error
    if b"\0" in content:  # binary: do not print it
        digest = hashlib.sha256(content).hexdigest()[:12]
        return [f"binary, {len(content)} bytes, SHA-256 {digest}..."]
    return content.decode(errors="replace").splitlines()


def advice(old: Path, new: Path) -> list[str]:
    """Return what to do to get from `old` to `new`, apart from editing files."""
    processes = procfile.processes(old), procfile.processes(new)
    packages = procfile.packages(old), procfile.packages(new)
    sentences = []
    for name, command in processes[1].items():
        if name not in processes[0]:
            sentences.append(f"New process: {name} ({command})")
        elif processes[0][name] != command:
            sentences.append(f"Changed process: {name} ({command})")
    arrived = {
        name: version
        for name, version in packages[1].items()
        # A requirement without a version accepts any version.
        if packages[0].get(name, "none") not in ("", version)
    }
    for name, version in sorted(arrived.items()):
        sentences.append(f"New package: {name} {version}")
    if arrived:
        sentences.append("Install: pip install -r requirements.txt")
    for name, need in NEEDS.items():
        if name in packages[1].keys() - packages[0].keys():
            sentences.append(need)
    changed = [
        change.path
        for change in compare(old, new)
        if re.match(r"(?!tests/|e2e/)(?!.*/commands/).*\.py$", change.path)
        and not is_the_same(change)
    ]
    if any("/migrations/0" in path for path in changed):
        sentences.append("Migrate: python manage.py migrate")
    if arrived:
        names = " and ".join(processes[0])
        sentences.append(f"Restart: {names}, because the packages have changed")
    elif changed and "worker" in processes[0]:
        sentences.append("Restart: worker, because it does not reload changed code")
    return sentences
