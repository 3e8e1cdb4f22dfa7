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
    """What is missing first in a file, in words, and its place; or None."""
    if change.new is None:
        return f"there is no file {change.path}", change.path
    matcher = difflib.SequenceMatcher(None, change.old or [], change.new, False)
    for kind, start, end, place, _ in matcher.get_opcodes():
        for line in (change.old or [])[start:end] if kind == "delete" else []:
            if not BLANK.match(line):
                return f"there is no line `{line.strip()}`", f"{change.path}:{place}"
    return None
