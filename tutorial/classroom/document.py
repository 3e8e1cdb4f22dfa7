"""Builds the table of a class as one HTML file that needs no server and no network."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from html import escape
from importlib.resources import files

from tutorial.check.report import PAGE, stage_name
from tutorial.classroom.row import STATUSES, Row, stumbles
from tutorial.runtime.terminal import printable

SOURCE = files("tutorial.classroom") / "page"

TITLES = ("Name", "Reached", "First broken hop", "Findings")


def document(rows: list[Row], step: int, when: str) -> str:
    """Return the page as HTML. `when` is the date and time of the check, as text."""
    style, script = (
        (SOURCE / "class.css").read_text(),
        (SOURCE / "class.js").read_text(),
    )
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}';"
        f" script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "style": style,
        "script": script,
        "title": escape(f"The class at step {step}, {stage_name(step)}"),
        "when": escape(f"{_count(len(rows), 'folder')}, checked on {when}."),
        "standings": "\n".join(_standings(rows)),
        "stumbles": "\n".join(_stumbles(rows)),
        "heads": "\n".join(_heads()),
        "rows": "\n".join(map(_row, rows)),
    }
    # Fill all placeholders in one pass: a folder's text may look like a placeholder.
    pieces = (SOURCE / "class.html").read_text().split("{{ ")
    first, *others = pieces
    filled = [first]
    for piece in others:
        name, _, rest = piece.partition(" }}")
        filled += [parts[name], rest]
    return "".join(filled)


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _standings(rows: list[Row]) -> Iterator[str]:
    """Yield a list item for each standing, with its number of folders, best first.

    A standing says in words how far a folder has got.
    """
    counts = Counter(row.standing() for row in rows)
    ranks = {row.standing(): _rank(row) for row in rows}
    for words in sorted(counts, key=lambda one: ranks[one], reverse=True):
        yield f"<li><b>{counts[words]}</b> {escape(words)}</li>"


def _stumbles(rows: list[Row]) -> Iterator[str]:
    """Yield the mistakes of the class as list items, the most frequent first."""
    found = stumbles(rows)
    for one in found:
        names = escape(printable(", ".join(one.names)))
        where = f"{PAGE}#{one.id}"
        stage = f"{one.stage} {stage_name(one.stage)}" if one.stage else stage_name(0)
        yield (
            f"<li><p><b>{_count(len(one.names), 'folder')}</b>"
            f" · {stage} · {escape(one.title)}</p>"
            f'<p class="names">{names}</p>'
            f"<details><summary>How to fix it</summary><p>{escape(one.fix)}</p>"
            f"<p>{escape(where)}</p></details></li>"
        )
    if not found:
        yield "<li>No mistakes: everything that was started works.</li>"


def _heads() -> Iterator[str]:
    for number, title in enumerate(TITLES):
        # The rows are sorted by name when the page opens.
        sort = ' aria-sort="ascending"' if number == 0 else ' aria-sort="none"'
        yield f'<th scope="col"{sort}><button type="button">{title}</button></th>'


def _rank(row: Row) -> int:
    """Return the sort key of the column "Reached".

    The key compares `row.done` first, then `row.reached`, and then the exit status.
    """
    if not row.report:
        return -1
    return (
        100 * row.done
        + 10 * row.reached
        + (9 - STATUSES.index(row.status(strict=False)))
    )


def _row(row: Row) -> str:
    """Return the two rows of a folder: one with its cells, one with its report."""
    more = row.more()
    cells = (
        (row.name, row.name.casefold()),
        (row.standing(), f"{_rank(row):06}"),
        (row.hop(), row.hop()),
        ("; ".join(more), f"{len(more):04}"),
    )
    (name, key), *others = [
        (escape(printable(a)), escape(printable(b))) for a, b in cells
    ]
    state = row.state.replace(" ", "-")
    columns = "".join(f'<td data-key="{b}">{a}</td>' for a, b in others)
    return (
        f'<tbody class="{state}"><tr>'
        f'<th scope="row" data-key="{key}">{name}</th>{columns}</tr>'
        f'<tr class="report"><td colspan="{len(TITLES)}"><details>'
        f"<summary>Report of {name}</summary><pre>{escape(row.text)}</pre>"
        "</details></td></tr></tbody>"
    )
