"""`tutorial check` for many folders: checks them, then prints or writes the table."""

import sys
import time
from pathlib import Path

from tutorial.check.session import end_on_hangup
from tutorial.classroom import folders
from tutorial.classroom.document import document
from tutorial.classroom.output import as_csv, as_json, lines
from tutorial.classroom.row import worst
from tutorial.classroom.session import TIMEOUT, Session
from tutorial.problem import Problem
from tutorial.runtime.terminal import Bar, duration, painter, printable


def check(
    names: list[str],
    class_folder: str | None,
    number: int,
    *,
    form: str,
    html: str | None,
    jobs: int,
    seconds: float | None,
    again: bool,
    strict: bool,
) -> int:
    """Check the folders against stages 1 to `number`; return the worst exit status.

    `names` are the folders to check; with `class_folder`, check the folders in it
    instead. `form` is "table", "csv" or "json"; `html` is a file to write. The check of
    a folder may take `seconds`, or TIMEOUT if `seconds` is None. If `again` is true,
    the results of earlier runs are ignored.

    Raises Problem if a folder does not exist, or if the file cannot be written.
    """
    end_on_hangup()
    others: list[str] = []
    if class_folder:
        paths = folders.below(class_folder)
    else:
        paths, others = folders.named(names)
    if html:
        _write(html, "", "a")  # report a wrong path now, not minutes later
    started, bar = time.monotonic(), Bar()
    session = Session(folders.look_into(paths), number, jobs, seconds or TIMEOUT)
    try:
        rows = session.run(bar, again=again)
    finally:
        bar.remove()
    rows.sort(key=lambda row: row.name.casefold())
    took = time.monotonic() - started
    if html:
        _write(html, document(rows, number, time.strftime("%Y-%m-%d at %H:%M")), "w")
    if form == "json":
        print(as_json(rows, number, took))
    elif form == "csv":
        print(as_csv(rows), end="")
    else:
        for line in lines(rows, painter(sys.stdout)):
            print(line)
        print(f"\nChecked stages 1 to {number} of {_count(rows)} in {duration(took)}.")
        for name in others:
            print(f"Left out, because it is not a folder: {printable(name)}")
        if html:
            print(f"Wrote {html}.")
    return worst(rows, strict=strict)


def _count(rows: list) -> str:
    kept = sum(row.is_kept for row in rows)
    words = f"{len(rows)} folder{'s' * (len(rows) != 1)}"
    return f"{words} ({kept} not changed since an earlier check)" if kept else words


def _write(name: str, text: str, mode: str) -> None:
    try:
        # A report may contain file names that are not UTF-8: "replace" writes "?".
        with Path(name).open(mode, encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        raise Problem(f"{name} cannot be written: {error.strerror}.") from None
