"""A file between two steps, with only the changes that a page has shown so far."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tutorial.site.pair import Edit, File


@dataclass(frozen=True)
class Line:
    """A line of a learner's file, with its index in each of the two steps.

    An index is None if the step does not have the line.
    """

    text: str
    old: int | None
    new: int | None


@dataclass
class Typed:
    """A learner's file: the lines that are added and removed so far."""

    file: File
    added: set[int] = field(default_factory=set)  # indexes of the step's lines
    removed: set[int] = field(default_factory=set)  # indexes of old lines

    def after(self, edits: Sequence[Edit]) -> "Typed":
        """Return the file after these changes. Repeating a change has no effect."""
        added, removed = set(self.added), set(self.removed)
        for edit in edits:
            added |= set(edit.new)
            removed |= set(edit.old)
        return Typed(self.file, added, removed)

    def text(self) -> str:
        """Return the current text of the file."""
        return "".join(line + "\n" for line in self.lines())

    def lines(self) -> list[str]:
        """Return the current lines of the file."""
        return [line.text for line in self.walk()]

    def has(self, number: int) -> bool:
        """Whether the file now contains the step's line with the index `number`."""
        for edit in self.file.edits():
            if number in edit.new:
                return self._is_there(number, edit)
        return True

    def walk(self) -> Iterator[Line]:
        """Yield the current lines of the file, each with its indexes."""
        old, new = self.file.old or (), self.file.new
        end = Edit(range(len(old), len(old)), range(len(new), len(new)))
        same = same_new = 0
        for edit in (*self.file.edits(), end):
            stay = range(same, edit.old.start), range(same_new, edit.new.start)
            yield from (Line(old[n], n, m) for n, m in zip(*stay, strict=True))
            for n in edit.old:
                if n not in self.removed:
                    yield Line(old[n], n, None)
            for n in edit.new:
                if self._is_there(n, edit):
                    yield Line(new[n], None, n)
            same, same_new = edit.old.stop, edit.new.stop

    def _is_there(self, number: int, edit: Edit) -> bool:
        """Whether the file now contains this line of `edit`.

        For a blank line, this depends on the lines around it.
        """
        new = self.file.new
        if new[number].strip():
            return number in self.added
        blocks = self._blocks(edit)
        if not blocks:
            return number in self.added  # `edit` adds only blank lines
        above = [any(n in self.added for n in b) for b in blocks if b.stop <= number]
        below = [any(n in self.added for n in b) for b in blocks if b.start > number]
        if not new[edit.new.start].strip():
            return below[0] if below else any(above)
        if not new[edit.new.stop - 1].strip():
            return above[-1]
        return any(above) and below[0]

    def _blocks(self, edit: Edit) -> list[range]:
        """Return the groups of added lines. Blank lines separate the groups."""
        found: list[range] = []
        for n in edit.new:
            if not self.file.new[n].strip():
                continue
            if found and found[-1].stop == n:
                found[-1] = range(found[-1].start, n + 1)
            else:
                found.append(range(n, n + 1))
        return found
