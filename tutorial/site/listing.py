"""The `step` fence: a part of a file, its place, and what changes in it."""

import difflib
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from types import MappingProxyType

from pygments import lex
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment

from tutorial.problem import Problem
from tutorial.site import code_html, excerpt, fences
from tutorial.site.pair import File, Pair
from tutorial.site.place import BREAK, code, place, shown_edits
from tutorial.site.typed import Line, Typed

FIELDS = ("file", "show", "notes", "collapse", "bare", "made", "step")
AROUND = 2  # lines shown around a change, if the page does not name a part
SMALL = 12  # a changed file with at most this number of lines is shown whole
CONTEXT = 3  # lines around a change in a diff

# For each suffix or name of a file: its highlighter, and how a comment is written.
LANGUAGES = {
    ".py": ("python", "# {}"),
    ".js": ("js", "// {}"),
    ".html": ("html+django", "<!-- {} -->"),
    ".css": ("css", "/* {} */"),
    ".toml": ("toml", "# {}"),
    # For a file without its own highlighter, use one that recognizes its comments.
    ".txt": ("ini", "# {}"),
    ".ini": ("ini", "# {}"),
    ".yaml": ("yaml", "# {}"),
    ".conf": ("nginx", "# {}"),
    ".service": ("ini", "# {}"),
    ".timer": ("ini", "# {}"),
    ".example": ("ini", "# {}"),
    "": ("ini", "# {}"),
    "Dockerfile": ("docker", "# {}"),
    "switch": ("bash", "# {}"),
}
PLAIN = ("text", "{}")


@dataclass(frozen=True)
class Listing:
    """The parts of a file that a `step` fence shows, from top to bottom."""

    file: File
    parts: list[range]
    notes: dict[str, str]
    is_folded: bool
    step: str  # as in "step 4"
    is_bare: bool = False  # shown without the place and without a diff
    is_made: bool = False  # made by a command, not typed
    # The file after a reader has typed the earlier listings of the page, or None if
    # there are none.
    earlier: Typed | None = None

    @property
    def before(self) -> Typed:
        """The file before a reader types the listing."""
        return self.earlier or Typed(self.file)

    @functools.cached_property
    def after(self) -> Typed:
        """The file after a reader has typed the listing."""
        return self.before.after(shown_edits(self.file, self.parts))

    def added(self) -> set[int]:
        """Return the indexes of the shown lines that the step adds."""
        return {n for part in self.parts for n in part} & self.file.comes()

    def removed(self) -> set[int]:
        """Return the indexes of the old lines that the diff shows as removed."""
        edits = shown_edits(self.file, self.parts)
        return {n for edit in edits for n in edit.old} & self.file.goes()


def read(
    pair: Pair, body: str, typed: Mapping[str, Typed] = MappingProxyType({})
) -> Listing:
    """Return the listing for the `body` of a `step` fence.

    `typed` contains the files of `pair` that earlier listings of the page have changed.

    Raises Problem if the fence names something that does not exist.
    """
    asked = fences.fields("step", body, FIELDS)
    if not asked.get("file"):
        raise Problem("a step fence needs a file, as in: file: search/views.py")
    file = pair.file(str(asked["file"]))
    names = fences.names(asked.get("show"))
    if names:
        found = [excerpt.find(file.path, file.new, name) for name in names]
    elif file.is_new:
        found = [range(len(file.new))]
    else:
        found = _changes(file)
        if not found:
            raise Problem(
                f"{file.path} does not change in {pair.name}:"
                " say in `show` which part of it you mean"
            )
    notes = asked.get("notes") or {}
    if not isinstance(notes, dict):
        raise Problem(
            "each note needs a text from its line, a colon, and an explanation"
        )
    joined = excerpt.join(file.new, found)
    parts = [part for one in joined if (part := _filled(one, file.new))]
    texts = {str(text): str(note) for text, note in notes.items()}
    return Listing(
        file,
        parts,
        texts,
        is_folded=bool(asked.get("collapse")),
        step=pair.name,
        is_bare=bool(asked.get("bare")),
        is_made=bool(asked.get("made")),
        earlier=typed.get(file.path),
    )


def _changes(file: File) -> list[range]:
    last = len(file.new)
    if last <= SMALL and file.edits():
        return [range(last)]
    return [
        range(max(edit.new.start - AROUND, 0), min(edit.new.stop + AROUND, last))
        for edit in file.edits()
    ]


def _filled(part: range, lines: Sequence[str]) -> range:
    """Return `part` without blank lines at its ends: the highlighter removes them."""
    filled = [n for n in part if lines[n].strip()]
    return range(filled[0], filled[-1] + 1) if filled else range(0)


def render(listing: Listing) -> list[str]:
    """Return the listing as lines of Markdown."""
    file = listing.file
    if not listing.parts:
        kind = "empty, made for you" if listing.is_made else "new file, empty"
        return [f"**{code(file.path)}** · {kind}", "{: .place }"]
    where = _where(listing)
    the_file = _the_file(listing)
    is_same = listing.before.lines() == listing.after.lines()
    if file.is_new or listing.is_bare or is_same:
        shown = the_file
    else:
        shown = [
            *('=== "The file"', "", *_indent(the_file), ""),
            *('=== "What changes"', "", *_indent(_the_diff(listing))),
        ]
    dot = "" if where.startswith(BREAK) else " · "
    lines = [f"**{code(file.path)}**{dot}{where}", "{: .place }", "", *shown]
    if listing.is_folded:
        if file.is_new:
            count = f"{sum(map(len, listing.parts))} lines"
        else:
            count = f"{len(listing.added())} new lines"
        summary = f'??? note "{code(file.path)}: {count}"'
        return [summary, "", *_indent(lines)]
    return lines


def _where(listing: Listing) -> str:
    """Return the text next to the file's name, such as the place of the lines."""
    if listing.is_bare:
        return listing.step
    return "made for you" if listing.is_made else place(listing.file, listing.parts)


def _indent(lines: list[str]) -> list[str]:
    return ["    " + line if line else "" for line in lines]


def _the_file(listing: Listing) -> list[str]:
    file = listing.file
    path = PurePosixPath(file.path)
    kind = path.name if path.name in LANGUAGES else path.suffix
    language, comment = LANGUAGES.get(kind, PLAIN)
    marks = _marks(listing, language, comment)
    rows = _rows(listing)
    shown = _shown(listing, rows)
    lines: list[str] = []
    lit: list[int] = []
    for last, at in pairwise([shown[0], *shown]):
        row = rows[at].line
        if any(left_out.line.text.strip() for left_out in rows[last + 1 : at]):
            lines.append(code_html.gap(excerpt.indentation(row.text)))
        if rows[at].is_gone:
            lines.append(code_html.gone(row.text))
        else:
            lines.append(row.text + marks.get(row.new, ""))
        if rows[at].is_lit:
            lit.append(len(lines))
    options = f' hl_lines="{" ".join(map(str, lit))}"' if lit else ""
    result = fenced(lines, language + options)
    if marks:
        result.append("")
        notes = _lines_of_notes(listing).values()
        for number, note in enumerate(notes, start=1):
            first, *rest = note.strip().splitlines()
            result += [f"{number}.  {first}", *_indent(rest)]
    return result


@dataclass(frozen=True)
class _Row:
    """A line that a listing can show.

    It is lit (highlighted) if it is new, and gone if the step removes it.
    """

    line: Line
    is_lit: bool = False
    is_gone: bool = False


def _rows(listing: Listing) -> list[_Row]:
    """Return the lines of the file, and those that the listing adds or removes."""
    file = listing.file
    if file.is_new or listing.is_bare:
        return [_Row(Line(text, None, n)) for n, text in enumerate(file.new)]
    before, after = listing.before, listing.after
    new = {n for n in _lit(file) if not before.has(n)}
    gone = {
        n
        for edit in shown_edits(file, listing.parts)
        if any(file.old[n].strip() for n in edit.old)
        for n in edit.old
    }
    both = Typed(file, after.added, before.removed)
    return [
        _Row(
            line, is_lit=line.new in new, is_gone=line.new is None and line.old in gone
        )
        for line in both.walk()
        if line.new is not None or line.old in gone or line.old not in after.removed
    ]


def _shown(listing: Listing, rows: list[_Row]) -> list[int]:
    """Return the indexes of the rows to show.

    They are the rows of the parts, the removed rows, and all rows from each new row to
    the nearest known lines above and below it (see `_way_to_known`).
    """
    parts = {n for part in listing.parts for n in part}
    shown = {n for n, row in enumerate(rows) if row.is_gone or row.line.new in parts}
    for at in [n for n in shown if rows[n].is_lit]:
        for step in (-1, 1):
            shown |= _way_to_known(rows, at + step, step)
    return sorted(shown)


def _way_to_known(rows: list[_Row], at: int, step: int) -> set[int]:
    """Return the indexes from `at` to the next known line that is not blank.

    A known line is in the file already and stays there. Without such a line, the result
    is empty. `step` is the direction: 1 is down, and -1 is up.
    """
    way: set[int] = set()
    while 0 <= at < len(rows):
        way.add(at)
        row = rows[at]
        if row.line.text.strip() and not (row.is_lit or row.is_gone):
            return way
        at += step
    return set()


def _lit(file: File) -> set[int]:
    """Return the indexes of the added lines, with the blank lines around them."""
    return {n for edit in file.edits() for n in edit.new}


def _lines_of_notes(listing: Listing) -> dict[int, str]:
    """Return the notes by the index of their line, in the order of the lines."""
    file = listing.file
    shown = [number for part in listing.parts for number in part]
    found: dict[int, str] = {}
    for text, note in listing.notes.items():
        fitting = [number for number in shown if text in file.new[number]]
        if len(fitting) != 1:
            lines = f"{len(fitting)} shown lines" if fitting else "no shown line"
            raise Problem(f'the note on "{text}" matches {lines} of {file.path}')
        if fitting[0] in found:
            raise Problem(
                f'"{text}" is in a line of {file.path} that already has a note'
            )
        found[fitting[0]] = note
    return dict(sorted(found.items()))


def _marks(listing: Listing, language: str, comment: str) -> dict[int, str]:
    """Return a mark for each line with a note: a comment that the theme replaces.

    It is appended to the line. No space precedes the comment, so that a line copied
    from the page ends as it does in the file.
    """
    file = listing.file
    marks = {}
    for count, number in enumerate(_lines_of_notes(listing), start=1):
        line = file.new[number]
        if _ends_in_comment(file.new, number, language):
            # With "!", the theme removes the whole comment. Without "!", it removes
            # only the number.
            mark = f"({count})" if comment.endswith("{}") else ""
        else:
            mark = comment.format(f"({count})!")
        trial = [*file.new[:number], line + mark, *file.new[number + 1 :]]
        if not mark or not _ends_in_comment(trial, number, language):
            raise Problem(
                "a note cannot be added at the end of this line of"
                f' {file.path}: "{line}"'
            )
        marks[number] = mark
    return marks


def _ends_in_comment(lines: Sequence[str], number: int, language: str) -> bool:
    line = 0
    last = None
    for kind, value in lex(
        "\n".join(lines) + "\n", get_lexer_by_name(language, stripnl=False)
    ):
        for piece in value.splitlines(keepends=True):
            if line == number and piece.strip():
                last = kind
            line += piece.endswith("\n")
        if line > number:
            break
    return last is not None and last in Comment and last not in Comment.Preproc


def _the_diff(listing: Listing) -> list[str]:
    """Return what changes in the file if the listing is typed, as a unified diff.

    The two lines with the file's name are left out: they begin with the signs of
    removed and added lines, and the name is above the listing.
    """
    before, after = listing.before.lines(), listing.after.lines()
    lines = difflib.unified_diff(before, after, lineterm="", n=CONTEXT)
    return fenced([*lines][2:], "diff")


def fenced(lines: list[str], head: str) -> list[str]:
    """Return a block of code, fenced with more backticks than any line contains."""
    runs = [len(run) for line in lines for run in re.findall(r"`+", line)]
    marks = "`" * max(3, max(runs, default=0) + 1)
    return [f"{marks}{head}", *lines, marks]
