"""The pair of steps that a page compares: a step, and the step before it."""

from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

from tutorial.problem import Problem
from tutorial.project import difference
from tutorial.project.files import files
from tutorial.project.steps import every, find


@dataclass(frozen=True)
class Edit:
    """A change at one place: the ranges of removed and added lines, counted from 0."""

    old: range
    new: range


# An old and a new line with at least this similarity (from 0 to 1) count as two
# versions of the same line.
ALIKE = 0.8


def _split(edit: Edit, old: tuple[str, ...], new: tuple[str, ...]) -> list[Edit]:
    """Split `edit` so that an old line is next to its new version.

    Without the split, the old line would be next to the first added line, which may be
    far above its new version.
    """
    pairs = [
        (_likeness(old[i], new[j]), i, j)
        for i in edit.old
        for j in edit.new
        if old[i].strip() and new[j].strip()
    ]
    likeness, i, j = max(pairs, default=(0.0, 0, 0))
    if likeness < ALIKE or (i, j) == (edit.old.start, edit.new.start):
        return [edit]
    before = Edit(range(edit.old.start, i), range(edit.new.start, j))
    rest = Edit(range(i, edit.old.stop), range(j, edit.new.stop))
    return [*_split(before, old, new), rest]


def _likeness(old: str, new: str) -> float:
    """Return how similar two lines are, from 0 to 1.

    The result is 1 if the new line is the old line with more text at its end.
    """
    is_longer = new.startswith(old) and any(map(str.isalpha, old))
    return 1.0 if is_longer else SequenceMatcher(None, old, new).ratio()


@cache  # a page asks for the same edits many times, and comparing takes time
def _edits(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[Edit, ...]:
    """Find the changes from `old` to `new` as `difflib.unified_diff` does."""
    matcher = SequenceMatcher(None, old, new)
    return tuple(
        part
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
        for part in _split(Edit(range(i1, i2), range(j1, j2)), old, new)
    )


@dataclass(frozen=True)
class File:
    """A file of a step: its lines, and its lines in the step before.

    `old` is None if the step before does not have the file.
    """

    path: str
    old: tuple[str, ...] | None
    new: tuple[str, ...]

    @property
    def is_new(self) -> bool:
        """Whether the step adds the file."""
        return self.old is None

    def edits(self) -> tuple[Edit, ...]:
        """Return the changes to the file, from top to bottom."""
        return _edits(self.old or (), self.new)

    def comes(self) -> set[int]:
        """Return the indexes of the added new lines, except blank lines."""
        return {n for edit in self.edits() for n in edit.new if self.new[n].strip()}

    def goes(self) -> set[int]:
        """Return the indexes of the removed old lines, except blank lines."""
        return {n for edit in self.edits() for n in edit.old if self.old[n].strip()}


@dataclass(frozen=True)
class Pair:
    """The folders of a step and of the step before it, if there is one."""

    name: str  # the name of the step, such as "step 4"
    old: Path | None
    new: Path

    def file(self, path: str) -> File:
        """Return the file at `path` in the step. Raises Problem if there is none."""
        inside = files(self.new)
        if path not in inside:
            raise Problem(f'{self.name} has no file "{path}"')
        before = files(self.old) if self.old else {}
        old = _lines(before[path]) if path in before else None
        return File(path, old, _lines(inside[path]))

    def kinds(self) -> dict[str, str]:
        """Return "new file", "changed" or "removed" for each file that differs."""
        if self.old is None:
            return dict.fromkeys(files(self.new), "new file")
        return {
            change.path: change.kind
            for change in difference.compare(self.old, self.new)
        }


def find_pair(name: str) -> Pair:
    """Return the pair of the step called `name` and the step before it.

    Raises Problem if there is no such step.
    """
    step = find(name)
    before = {s.number: s.folder for s in every()}.get(step.number - 1)
    title = f"step {step.name}" if step.name.isdecimal() else step.name
    return Pair(title, before, step.folder)


@cache
def _read(path: Path, changed: int) -> tuple[str, ...]:
    return tuple(path.read_text().splitlines())


def _lines(path: Path) -> tuple[str, ...]:
    return _read(path, path.stat().st_mtime_ns)
