"""Shows the change of a file as HTML: unified, and side by side.

Each line is an element: `ins` for an added line, `del` for a removed line, `span` for
an unchanged line, and `i` for text that is not a line of the file. Line numbers and
signs are attributes. The stylesheet shows them, but a reader who copies lines does not
copy them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from markupsafe import Markup, escape

from tutorial.site.explorer.comparison import Change
from tutorial.site.explorer.highlight import highlighted

HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
ELEMENTS = {" ": "span", "-": "del", "+": "ins"}


@dataclass(frozen=True)
class Row:
    """A line of the diff, with its number in each of the two files, counted from 1."""

    sign: str  # " ", "-" or "+"; the head of a hunk has "@"
    old: int | None
    new: int | None
    html: Markup


def rows(change: Change) -> Iterator[Row]:
    """Yield the highlighted lines of the unified diff, with their numbers."""
    old_lines = highlighted(change.path, change.old)
    new_lines = highlighted(change.path, change.new)
    old = new = 0
    for line in change.body:
        if head := HUNK.fullmatch(line):
            old, new = int(head[1]), int(head[2])
            yield Row("@", old, new, escape(line))
        elif line.startswith("-"):
            yield Row("-", old, None, old_lines[old - 1])
            old += 1
        elif line.startswith("+"):
            yield Row("+", None, new, new_lines[new - 1])
            new += 1
        else:
            yield Row(" ", old, new, new_lines[new - 1])
            old, new = old + 1, new + 1


def unified(change: Change) -> Markup:
    """Return the change in one column, with removed lines above added ones."""
    width = _width(change)
    return Markup("").join(
        _aside(row.html)
        if row.sign == "@"
        else _line(row, _numbers(change, row, width))
        for row in rows(change)
    )


@dataclass
class _Sides:
    """Two columns of equal length."""

    width: int
    left: list[Markup] = field(default_factory=list)
    right: list[Markup] = field(default_factory=list)
    goes: list[Markup] = field(default_factory=list)
    comes: list[Markup] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Add a line to the column or columns that it belongs to."""
        if row.sign == "-":
            self.goes.append(self._half(row, row.old))
        elif row.sign == "+":
            self.comes.append(self._half(row, row.new))
        else:
            self.level()
            self.left.append(self._half(row, row.old))
            self.right.append(self._half(row, row.new))

    def level(self) -> None:
        """Put added lines next to removed lines, and fill up the shorter column."""
        for old, new in zip_longest(self.goes, self.comes, fillvalue=_FILLING):
            self.left.append(old)
            self.right.append(new)
        self.goes, self.comes = [], []

    def _half(self, row: Row, number: int | None) -> Markup:
        if row.sign == "@":
            return _aside(f"from line {number}")
        return _line(row, _padded(number, self.width))


def side_by_side(change: Change) -> tuple[Markup, Markup]:
    """Return the change as two columns: the old file, and the new file."""
    sides = _Sides(_width(change))
    for row in rows(change):
        sides.add(row)
    sides.level()
    return Markup("").join(sides.left), Markup("").join(sides.right)


def _width(change: Change) -> int:
    return len(str(max(len(change.old), len(change.new))))


def _numbers(change: Change, row: Row, width: int) -> str:
    numbers = (row.old, row.new) if change.has_two_sides else (row.old or row.new,)
    return " ".join(_padded(number, width) for number in numbers)


def _padded(number: int | None, width: int) -> str:
    return " " * width if number is None else str(number).rjust(width)


def _line(row: Row, numbers: str) -> Markup:
    element = ELEMENTS[row.sign]
    # The line end is inside the element, so that empty lines can be copied, too.
    return Markup(f'<{element} data-at="{numbers} {row.sign}">{row.html}\n</{element}>')


def _aside(text: str) -> Markup:
    return Markup(f"<i>{text}\n</i>")


_FILLING = Markup('<i class="filling">\n</i>')
