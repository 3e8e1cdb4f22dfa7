"""Formats the table of the learners' folders for a terminal, as CSV and as JSON."""

import csv
import io
import json
import shutil
import textwrap
from collections.abc import Iterator

from tutorial.check.report import Paint
from tutorial.classroom.row import Row, stumbles
from tutorial.runtime.terminal import printable

# The version of the JSON format. docs/class.md describes this format.
VERSION = 1

TITLES = ("name", "reached", "first broken hop", "findings")
GAP = 2  # spaces between two columns
NARROW = (24, 28)  # the largest widths of the first and the second column
LEAST = 88  # the smallest width of a line, even if the terminal is narrower

STYLES = {
    "works": "green",
    "findings": "yellow",
    "cannot judge": "yellow",
    "broken": "red",
    "not checked": "red",
}

# A spreadsheet would execute a cell that starts with one of these as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

COLUMNS = (
    *("name", "state", "reached", "done", "breaks_at", "standing", "hop", "mistake"),
    *("at", "findings", "notes", "folder"),
)


def lines(rows: list[Row], paint: Paint) -> Iterator[str]:
    """Yield the lines of the table for a terminal, with a row for each folder."""
    cells = [
        (row.name, row.standing(), row.hop(), "; ".join(row.more())) for row in rows
    ]
    cells = [tuple(map(printable, row)) for row in cells]
    widths = _widths([TITLES, *cells])
    for line in _row(TITLES, widths):
        yield paint("bold", line)
    for row, texts in zip(rows, cells, strict=True):
        first, *rest = _row(texts, widths)
        style = STYLES.get(row.state)
        yield paint(style, first) if style else first
        yield from rest


def _widths(cells: list[tuple[str, ...]]) -> list[int]:
    widest = [max(map(len, column)) for column in zip(*cells, strict=True)]
    name, reached = map(min, widest, NARROW)
    line = max(shutil.get_terminal_size((LEAST, 24)).columns, LEAST)
    left = line - name - reached - 3 * GAP
    hop = min(widest[2], max(left - widest[3], left * 3 // 5))
    return [name, reached, hop, min(widest[3], left - hop)]


def _row(texts: tuple[str, ...], widths: list[int]) -> list[str]:
    """Return the lines of a row. Each cell is wrapped to the width of its column."""
    columns = [
        textwrap.wrap(text, max(width, 1), break_on_hyphens=False) or [""]
        for text, width in zip(texts, widths, strict=True)
    ]
    folded = []
    for number in range(max(map(len, columns))):
        parts = [
            (column[number] if number < len(column) else "").ljust(width)
            for column, width in zip(columns, widths, strict=True)
        ]
        folded.append((" " * GAP).join(parts).rstrip())
    return folded


def as_csv(rows: list[Row]) -> str:
    """Return the table as CSV, with a line for each folder."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        data = row.data()
        writer.writerow(_cell(data[name]) for name in COLUMNS)
    return text.getvalue()


def _cell(value: object) -> object:
    if value is None or isinstance(value, int):
        return value
    text = printable("; ".join(value) if isinstance(value, list) else str(value))
    # Learners choose the names of folders and files, so a name may contain anything.
    return f"'{text}" if text.startswith(FORMULA) else text


def as_json(rows: list[Row], step: int, seconds: float) -> str:
    """Return the table as JSON, with the report of each folder."""
    data = {
        "version": VERSION,
        "step": step,
        "folders": [row.data() | {"report": _report(row)} for row in rows],
        "stumbles": [
            {"mistake": one.id, "title": one.title, "folders": list(one.names)}
            for one in stumbles(rows)
        ],
        "seconds": round(seconds, 1),
    }
    return json.dumps(data, ensure_ascii=False, indent=2)


def _report(row: Row) -> dict | None:
    """Return the report of `check`, with the folder of this row.

    A cached report may name a different folder whose files are identical.
    """
    return row.report and row.report | {"folder": str(row.folder.project)}
