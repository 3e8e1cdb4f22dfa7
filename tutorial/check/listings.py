"""Finds missing lines in a project that was typed from the pages of a step."""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path

from tutorial.check.unmet import Unmet
from tutorial.project import steps
from tutorial.project.difference import FileDiff, compare, is_the_same

# If more lines than this differ, the project was not typed from the pages.
MOST_LINES = 10

BLANK = re.compile(r"\s*(#|//|/\*.*\*/|<!--.*-->|\{#.*#\})|\s*$")

# A line of Python that imports names.
IMPORT = re.compile(r"\s*(?:from [\w.]+ )?import ([\w, ]+)$")

# The end of a line that opens a block, a bracket or an element.
OPENS = re.compile(r"[:{(\[>]\s*$")


def missing_lines(folder: Path, step: int) -> Iterator[Unmet]:
    """Yield each file's first missing line, as a mistake. Comments do not count.

    A line belongs to the stage whose step adds it.
    """
    changes = [
        change
        for change in compare(steps.find(str(step)).folder, folder)
        if not is_the_same(change)
    ]
    if sum(change.added + change.removed for change in changes) > MOST_LINES:
        return
    for change in changes:
        if found := _first(change):
            line, seen, at = found
            stage = _stage(change.path, line, step)
            expected = f"the file as it is at the end of step {step}"
            yield Unmet("line-missing", seen, expected=expected, at=at, stage=stage)


def _stage(path: str, line: str, last: int) -> int:
    """Return the number of the first step whose file `path` has the line.

    The steps before `last` are searched. If none of them has the line, the number is
    `last`. If `line` is "", the file only has to exist.
    """
    for step in steps.steps()[: last - 1]:
        file = step.folder / path
        if not file.is_file():
            continue
        if not line or line in file.read_text(encoding="utf-8").splitlines():
            return step.number
    return last


def _first(change: FileDiff) -> tuple[str, str, str] | None:
    """Return the first missing line of a file as (line, words, place), or None.

    The line is "" if the whole file is missing. The place is the line below which the
    missing line belongs. A line that is nowhere in the file is preferred to a line that
    is only in the wrong place.
    """
    if change.new is None:
        return "", f"there is no file {change.path}", change.path
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
                return line, seen, f"{change.path}:{max(place, 1)}"
            seen = f"the line `{line.strip()}` is in another place; {where}"
            moved = moved or (line, seen, f"{change.path}:{new.index(line) + 1}")
    return moved


def _is_unused_import(line: str, lines: list[str]) -> bool:
    """Whether the line only imports names that the file does not use."""
    found = IMPORT.match(line)
    names = re.findall(r"\w+", found[1].rpartition(" as ")[2]) if found else []
    text = "\n".join(other for other in lines if not IMPORT.match(other))
    return bool(names) and not any(re.search(rf"\b{name}\b", text) for name in names)


def _where(lines: list[str], number: int) -> str:
    """Say where a line is in the step's file: below which line, in which block."""
    above = [one for one in range(number) if lines[one].strip()]
    if not above:
        return "in the step it is the first line of the file"
    last = above[-1]
    words = f"in the step it is below `{lines[last].strip()}`"
    outer = [
        one
        for one in above
        if _depth(lines[one]) < _depth(lines[number]) and OPENS.search(lines[one])
    ]
    # The innermost block is opened by the last line that is less indented.
    if outer and outer[-1] != last:
        words += f", in `{lines[outer[-1]].strip()}`"
    return words


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
