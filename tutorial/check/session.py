"""`tutorial check N [DIR]`: looks at the stages in order, and prints a report."""

import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tutorial.check import older_code
from tutorial.check.glance import hints
from tutorial.check.judge import (
    STAGES,
    judge,
    judge_after_browser,
    judge_beyond,
    judge_in_browser,
    judge_pending,
)
from tutorial.check.listings import missing_lines
from tutorial.check.report import (
    BROKEN,
    DIFFERS,
    NOT_REACHED,
    NOTHING_TO_REPORT,
    PASSED,
    UNSAFE,
    Diagnosis,
    Report,
    Result,
)
from tutorial.check.scene import Scene
from tutorial.check.start import Check
from tutorial.runtime.saves import saved, wait_for_save
from tutorial.runtime.terminal import Progress, painter
from tutorial.runtime.waiting import wait_for

# Diagnoses that may be wrong. They say that the server's page lacks something, but a
# script may add it, or another page may have it. If a search in a browser works, these
# diagnoses are dropped.
SEEMS_MISSING = ("no-form", "field-without-name", "no-socket", "script-missing")

KEPT_LINES = 200  # the number of log lines per process in the report


def check(
    folder: Path,
    title: str,
    number: int,
    *,
    as_json: bool,
    strict: bool,
    compare: str = "",
    browser: Any = None,
) -> int:
    """Check the project against stages 1 to `number`, and return the exit status.

    `compare` is a command that shows how the project differs from the step. `browser`
    is a running Playwright browser; without it, one is started.

    Raises Problem if there is no project, or no Redis for the check.
    """
    end_on_hangup()
    progress, paint = Progress(quiet=as_json), painter(sys.stdout)
    report = Report(title, number, comparison=compare)
    started = time.monotonic()
    look(folder, report, progress, browser)
    report.seconds = round(time.monotonic() - started, 1)
    report.advice += older_code.advice(folder)
    progress("")
    if as_json:
        print(json.dumps(report.data(), ensure_ascii=False, indent=2))
    else:
        for line in report.lines(paint):
            print(line)
        print(f"\nChecked {title}, stages 1 to {number}, in {report.seconds:.0f} s.")
    return report.status(strict=strict)


def end_on_hangup() -> None:
    """Handle SIGHUP (the terminal was closed) like SIGTERM, except under `nohup`."""
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))


def watch(folder: Path, title: str, number: int) -> int:
    """Check again after each save, and print what has changed, until Ctrl-C."""
    end_on_hangup()
    with contextlib.suppress(KeyboardInterrupt):
        _watch(folder, title, number)
    print()
    return NOTHING_TO_REPORT


def _watch(folder: Path, title: str, number: int) -> None:
    paint, before = painter(sys.stdout), None
    while True:
        state = saved(folder)
        report, progress = Report(title, number), Progress()
        look(folder, report, progress)
        progress("")
        for line in report.lines(paint) if before is None else _news(before, report):
            print(line, flush=True)
        before = report
        progress("waiting for you to save a file; Ctrl-C stops")
        wait_for_save(folder, state)
        progress("")


def _news(before: Report, after: Report) -> Iterator[str]:
    """Yield the lines that are new in `after`, and the mistakes that are gone."""
    paint = painter(sys.stdout)
    old, new = list(before.lines(paint)), list(after.lines(paint))
    yield f"\n{time.strftime('%H:%M:%S')}  {new[0]}"
    known = {_told(finding) for finding in _all(before)}
    left = {_told(finding) for finding in _all(after)}
    for finding in _all(before):
        if _told(finding) not in left:
            yield f"{paint('green', 'gone')}    {finding.title}"
    for line in new[1:]:
        if line not in old and not line.startswith(paint("green", "passed")):
            yield line
    if known == left:
        yield "Nothing else has changed."


def _all(report: Report) -> list[Diagnosis]:
    broken = [result.diagnosis for result in report.results if result.diagnosis]
    return [*broken, *report.findings]


def _told(finding: Diagnosis) -> tuple[str, str | None]:
    return finding.id, finding.at


def look(
    folder: Path,
    report: Report,
    progress: Callable[[str], None],
    browser: Any = None,
    *,
    is_typed: bool = True,
) -> None:
    """Look at the stages, as far as the flow goes, and fill in the report.

    `browser` is a running Playwright browser; without it, one is started. `is_typed`
    says whether the project should have the lines of the step's page.
    """
    with Check(folder, report.step, progress, browser) as scene:
        for stage in STAGES[: report.step + 1]:
            progress(f"looking at stage {stage.number}, {stage.name}")
            result, findings = judge(scene, stage)
            report.results.append(result)
            known = {finding.id for finding in report.findings}
            report.findings += [one for one in findings if one.id not in known]
            if broken := result.diagnosis:  # do not report it as a finding, too
                report.findings[:] = [
                    one for one in report.findings if one.id != broken.id
                ]
            if result.state != PASSED and _goes_further(scene, report, progress):
                break
            if result.state != PASSED:
                if scene.events.first("consumer failed", "socket failed"):
                    # Daphne prints the exceptions of consumers only once a second.
                    wait_for(lambda: "Traceback" in str(scene.lines("web")), 2)
                report.results += _later(scene, stage.number, report.step)
                break
        report.findings += judge_pending(scene)
        if report.broken:  # two stages may report the same end of the web process
            known = _told(report.broken)
            report.findings = [one for one in report.findings if _told(one) != known]
        report.findings.sort(key=lambda finding: finding.stage)
        if is_typed and report.works and not report.findings:
            # Look for missing lines only if the report has no mistake: a missing line
            # may be the cause of a mistake that is already in the report.
            lines = missing_lines(folder, report.step)
            report.findings += [Diagnosis.of(unmet, DIFFERS) for unmet in lines]
        report.search_seconds = scene.search_seconds
        report.advice += scene.advice
        report.log = {
            name: process.lines[-KEPT_LINES:]
            for name, process in scene.project.running.items()
        }


def _goes_further(
    scene: Scene, report: Report, progress: Callable[[str], None]
) -> bool:
    """Whether a search in a browser gets further than the stage that did not pass.

    If it does, the results of that search become the verdict, and the mistake of the
    stage may become a finding.
    """
    if report.step < len(STAGES) - 1 or not scene.browser:
        return False
    *before, broken = report.results
    if broken.number == 0 or not scene.project.listens():
        return False
    progress("searching in a browser")
    path = scene.path
    results = judge_in_browser(scene)
    # The stage may have looked at a different page, such as the login page.
    last = results[-1].diagnosis
    is_other_page = scene.path != path or (last and last.id == "log-in-refused")
    gained = results[-1].number - broken.number + bool(is_other_page)
    if results[-1].state == BROKEN and gained <= 0:
        return False
    is_refuted = (
        broken.diagnosis.id in SEEMS_MISSING
        and "was answered" not in broken.diagnosis.seen
    )
    is_same = (
        last
        and last.stage == broken.diagnosis.stage
        and broken.diagnosis.id == "script-throws"
    )
    if is_same:  # the exception explains the failure in the browser
        results[-1] = replace(results[-1], diagnosis=broken.diagnosis)
    report.results[:] = [before[0], *results]
    # If the flow breaks at a later stage, this finding would only distract.
    if report.works and not (is_other_page or is_refuted):
        kind = UNSAFE if broken.diagnosis.id == "page-reloads" else DIFFERS
        report.findings.append(replace(broken.diagnosis, kind=kind))
    if not report.works:
        report.results += _later(scene, results[-1].number, report.step)
        return True
    progress("looking for what is unsafe")
    broken, findings = judge_after_browser(scene)
    if broken:
        report.results[broken.number] = broken
    known = {finding.id for finding in report.findings}
    report.findings += [one for one in findings if one.id not in known]
    return True


def _later(scene: Scene, broken: int, last: int) -> Iterator[Result]:
    """Yield the results of the stages after the broken one, if they can be judged."""
    glance, can_go_on = hints(scene), broken > 1
    for stage in STAGES[broken + 1 : last + 1]:
        hint = glance.get(stage.number, "")
        if not can_go_on:
            words = f"it seems that {hint}" if hint else ""
            yield Result(stage.number, stage.name, NOT_REACHED, words)
            continue
        result = judge_beyond(scene, stage, hint)
        can_go_on = result.state == NOT_REACHED
        yield result
