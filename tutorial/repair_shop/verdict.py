"""Checks whether the mistake in a folder is fixed, without revealing the mistake."""

import signal
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tutorial.check import session
from tutorial.check.report import (
    BROKEN,
    WIDTH,
    Paint,
    Report,
    finding_of,
    line_of,
    stage_name,
)
from tutorial.repair_shop import kept as state
from tutorial.repair_shop.catalogue import Entry
from tutorial.repair_shop.kept import HINTS, Kept
from tutorial.repair_shop.shop import entry_of, hop, solved_lines
from tutorial.runtime.terminal import Progress, painter
from tutorial.workspace.new import command, listed


def check(
    folder: Path, title: str, *, explain: bool, strict: bool, browser: Any = None
) -> int:
    """Check whether the mistake is fixed, print the result, and return the exit status.

    With `explain`, the full report is printed. If the report names the shop's mistake,
    all hints count as used. Raises Problem if the folder cannot be checked.
    """
    signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
    kept = state.read(folder, title)
    entry = entry_of(kept.turn, title)
    report, progress = Report(title, kept.step), Progress()
    started = time.monotonic()
    # Accept every fix that makes the flow work. The project need not equal the step.
    session.look(folder, report, progress, browser, is_typed=False)
    report.seconds = round(time.monotonic() - started, 1)
    progress("")
    if report.works:
        kept.solve()
    elif explain and not kept.turn.is_solved and _is_named(report, entry):
        kept.turn.hints = HINTS
    state.write(folder, kept)
    for line in lines(report, kept, entry, title, painter(sys.stdout)):
        print(line)
    return report.status(strict=strict)


def lines(
    report: Report, kept: Kept, entry: Entry, title: str, paint: Paint
) -> Iterator[str]:
    """Yield the lines to print for a report.

    They do not name the shop's mistake until it is fixed or all hints are used.
    """
    if report.works:
        yield from _fixed(report, kept, title, paint)
    elif report.unjudged or kept.turn.is_solved or kept.turn.hints == HINTS:
        yield from report.lines(paint)
    elif not _is_named(report, entry):
        yield from _broken_elsewhere(report, title, paint)
    else:
        yield from _still_broken(report, kept, entry, title, paint)
    yield f"\nChecked {title}, stages 1 to {report.step}, in {report.seconds:.0f} s."


def _is_named(report: Report, entry: Entry) -> bool:
    """Whether the mistake that breaks the flow is the one that the shop has made."""
    return report.broken is not None and report.broken.id in entry.named


def _fixed(report: Report, kept: Kept, title: str, paint: Paint) -> Iterator[str]:
    yield paint("green", "Fixed: the flow works.")
    if report.findings:
        yield paint("yellow", "\nIt works, but there is something else to look at:")
        for finding in report.findings:
            yield ""
            yield finding_of(finding, paint)
    yield ""
    yield from solved_lines(title, kept)


def _still_broken(
    report: Report, kept: Kept, entry: Entry, title: str, paint: Paint
) -> Iterator[str]:
    stage, made = _stops_at(report), entry.stage
    words = "The project does not start."
    if stage:
        words = f"A search stops at stage {stage}, {stage_name(stage)}."
    yield paint("red", f"Still broken. {words}")
    if made != stage and kept.turn.hints:  # the first hint names this stage
        yield f"The mistake was made at {hop(made)}."
    elif made != stage:
        yield "The mistake was made at a different stage."
    yield ""
    passed = [
        line_of(result, paint)
        for result in report.results
        if result.state != BROKEN and result.number < stage
    ]
    if passed:
        yield from [*passed, ""]
    yield listed(
        (command("run", title, "--map"), "search again, and look at that stage"),
        (command("repair", title, "--hint"), "a hint"),
        (
            command("check", title, "--explain"),
            "the full report, which reveals the mistake",
        ),
    )


def _broken_elsewhere(report: Report, title: str, paint: Paint) -> Iterator[str]:
    words = (
        "The flow now breaks in a different way than at the start. Your change may have"
        " caused this:"
    )
    yield textwrap.fill(words, WIDTH)
    yield ""
    yield from report.lines(paint)


def _stops_at(report: Report) -> int:
    """Return the number of the stage at which a search stops.

    Return 0 if the project does not start.
    """
    broken = (one.number for one in report.results if one.state == BROKEN)
    return next(broken, 0)
