"""The lines of a step that a project lacks which is the same but for a few lines."""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path

from tutorial.check.unmet import Unmet
from tutorial.project import steps
from tutorial.project.difference import FileDiff, compare, is_the_same

# A project with more lines of its own, added and removed, was not typed from the page.
MOST_LINES = 10

BLANK = re.compile(r"\s*(#|//|/\*.*\*/|<!--.*-->|\{#.*#\})|\s*$")

# Python's import of names, in a line.
IMPORT = re.compile(r"\s*(?:from [\w.]+ )?import ([\w, ]+)$")

# The end of a line that opens a block, a bracket or an element.
OPENS = re.compile(r"[:{(\[>]\s*$")


def missing_lines(folder: Path, step: int) -> Iterator[Unmet]:
    """The first line that is missing in each file, but for comments and blank lines."""
    changes = [
        change
        for change in compare(steps.find(str(step)).folder, folder)
        if not is_the_same(change)
    ]
    if sum(change.added + change.removed for change in changes) > MOST_LINES:
        return
    for change in changes:
        if found := _first(change):
            seen, at = found
            expected = f"the file as the page of step {step} has it"
            yield Unmet("line-missing", seen, expected=expected, at=at, stage=step)


def _first(change: FileDiff) -> tuple[str, str] | None:
    """What is missing first in a file, in words, and its place; or None.

    The place is that of the line that it belongs below. A line that only stands in
    another place comes last.
    """
    if change.new is None:
        return f"there is no file {change.path}", change.path
    old, new, moved = change.old or [], change.new, None
    matcher = difflib.SequenceMatcher(None, old, new, False)
    for kind, start, end, place, _ in matcher.get_opcodes():
        for number in range(start, end) if kind == "delete" else []:
            line = old[number]
            if BLANK.match(line):
                continue
            where = _where(old, number)
            if _is_unused_import(line, new):
                continue
            if new.count(line) < old.count(line):
                seen = f"there is no line `{line.strip()}`; {where}"
                return seen, f"{change.path}:{max(place, 1)}"
            seen = f"the line `{line.strip()}` stands in another place; {where}"
            moved = moved or (seen, f"{change.path}:{new.index(line) + 1}")
    return moved


def _is_unused_import(line: str, lines: list[str]) -> bool:
    """Whether the line imports names of which the file uses none."""
    found = IMPORT.match(line)
    names = re.findall(r"\w+", found[1].rpartition(" as ")[2]) if found else []
    text = "\n".join(other for other in lines if not IMPORT.match(other))
    return bool(names) and not any(re.search(rf"\b{name}\b", text) for name in names)


def _where(lines: list[str], number: int) -> str:
    """Where a line of the step's file stands: the line above it, and their block."""
    above = [one for one in range(number) if lines[one].strip()]
    if not above:
        return "in the step it is the first line of the file"
    last = above[-1]
    words = f"in the step it stands below `{lines[last].strip()}`"
    outer = [
        one
        for one in above
        if _depth(lines[one]) < _depth(lines[number]) and OPENS.search(lines[one])
    ]
    # Innermost: the last of those that are less indented than the line.
    if outer and outer[-1] != last:
        words += f", in `{lines[outer[-1]].strip()}`"
    return words


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
