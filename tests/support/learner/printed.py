"""Compares the output of a program with the output that a page shows."""

import re
from collections.abc import Iterator, Sequence

from tutorial.site.console import ANYTHING

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

# Patterns of values that differ each time, each with the constant that replaces such a
# value, both in the printed lines and in the shown lines.
SAME = (
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "2026-01-01"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d{3,6})?"), "12:00:00"),
    (re.compile(r"\b\d+(?:\.\d+)?(?=(?:e-\d+)? ?s\b)"), "1"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8}\b"), "ID"),
    # All ports except 8000 (the project) and 8001 (the site), which the reader types.
    (re.compile(r"(?<=127\.0\.0\.1:)(?!800[01]\b)\d+"), "PORT"),
    (re.compile(r"(?<=localhost:)(?!800[01]\b)\d+"), "PORT"),
)


class Differs(AssertionError):
    """The program printed something else."""


def regular(line: str) -> str:
    """Return the line with constants in place of values that differ each time."""
    line = ESCAPES.sub("", line)
    for pattern, text in SAME:
        line = pattern.sub(text, line)
    return line.rstrip()


def pattern(shown: str) -> re.Pattern[str]:
    """Return a pattern for a text that the page shows. `…` matches any characters."""
    return re.compile(".*".join(map(re.escape, regular(shown).split(ANYTHING))))


def compare(shown: Sequence[str], printed: Sequence[str]) -> set[int]:
    """Return the indexes of the printed lines that the page shows.

    A shown line that is only `…` matches any number of lines, including none. A shown
    line that ends with `…` after some text matches one line. It can also match the
    lines directly below that line, if they are indented more than that line. Raises
    Differs if the program printed something else.
    """
    match = _Match(shown, printed)
    found = match.find()
    if found is None:
        raise Differs(match.difference())
    return found


class _Match:
    """Finds a way to match the shown lines with the printed lines."""

    def __init__(self, shown: Sequence[str], printed: Sequence[str]) -> None:
        self._shown = shown
        self._printed = printed
        self._lines = [regular(line) for line in printed]
        while self._lines and not self._lines[-1]:
            self._lines.pop()
        self._furthest = 0  # how many shown lines, counted from the first, matched
        self._failed: set[tuple[int, int]] = set()

    def find(self) -> set[int] | None:
        """Return the indexes of the printed lines that are shown.

        Return None if the output differs from the page.
        """
        first = next((n for n, line in enumerate(self._lines) if line), 0)
        return self._fit(0, first)

    def _fit(self, at: int, line: int) -> set[int] | None:
        """Match the shown lines `_shown[at:]` with the printed lines `_lines[line:]`.

        Return the indexes of the printed lines that are shown, or None if they differ.
        """
        if (at, line) in self._failed:
            return None
        self._furthest = max(self._furthest, at)
        is_at_end = line == len(self._lines)
        if at == len(self._shown) and is_at_end:
            return set()
        found = None
        if at < len(self._shown) and self._shown[at] == ANYTHING:
            rests = range(line, len(self._lines) + 1)
            found = next(filter(_is_found, (self._fit(at + 1, n) for n in rests)), None)
        elif at < len(self._shown) and not is_at_end and self._is_shown(at, line):
            rests = (self._fit(at + 1, n) for n in self._ends(at, line))
            found = next(filter(_is_found, rests), None)
            found = None if found is None else found | {line}
        if found is None:
            self._failed.add((at, line))
        return found

    def _is_shown(self, at: int, line: int) -> bool:
        return bool(pattern(self._shown[at]).fullmatch(self._lines[line]))

    def _ends(self, at: int, line: int) -> Iterator[int]:
        """Yield the indexes of the printed lines that the next shown line may match."""
        yield line + 1
        if self._shown[at].endswith(ANYTHING):
            start = _indentation(self._lines[line])
            for n in range(line + 1, len(self._lines)):
                if _indentation(self._lines[n]) <= start:
                    break
                yield n + 1

    def difference(self) -> str:
        """Describe how the printed lines differ from the shown ones."""
        if self._furthest < len(self._shown):
            start = "the page shows this line, but it was not printed at this place:\n"
            start += f"  {self._shown[self._furthest]}"
        else:
            start = "the program printed more than the page shows"
            start += ' (to allow this, add a line "…" to the page)'
        seen = "".join(f"\n  {line}" for line in self._printed) or " nothing"
        return f"{start}\nthe program has printed:{seen}"


def first_unseen(shown: Sequence[str], printed: Sequence[str]) -> str | None:
    """Return the first shown line that has not been printed yet, or None.

    The lines have to be printed in the order in which they are shown.
    """
    lines = iter([regular(line) for line in printed])
    for line in shown:
        if line == ANYTHING or not line:
            continue
        fitting = pattern(line)
        if not any(fitting.fullmatch(seen) for seen in lines):
            return line
    return None


def _is_found(found: set[int] | None) -> bool:
    return found is not None


def _indentation(line: str) -> int:
    """Return the indentation of a line, which is 0 for an empty line."""
    return len(line) - len(line.lstrip())
