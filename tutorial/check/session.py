"""`tutorial check N [DIR]`: the stages in order, a line for each."""

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tutorial.check import older_code
from tutorial.check.glance import hints
from tutorial.check.judge import STAGES, judge
from tutorial.check.report import FAILED, NOT_REACHED, Report, Result, line_of
from tutorial.check.start import Check
from tutorial.runtime.terminal import Progress, painter
from tutorial.runtime.waiting import wait_for

KEPT_LINES = 200  # of each process, in the report


def check(folder: Path, title: str, number: int, *, as_json: bool) -> int:
    """Check the project in `folder` against stages 1 to `number`: the exit status.

    Raises Problem where there is no project, or no Redis for the check.
    """
    signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
    progress, paint = Progress(quiet=as_json), painter(sys.stdout)
    report = Report(title, number)

    def show(result: Result) -> None:
        report.results.append(result)
        if not as_json:
            progress("")
            print(line_of(result, paint), flush=True)

    if not as_json:
        print(paint("bold", f"Checking {title}: stages 1 to {number}"), flush=True)
    started = time.monotonic()
    look(folder, number, report, show, progress)
    report.seconds = round(time.monotonic() - started, 1)
    report.advice += older_code.advice(folder)
    progress("")
    if as_json:
        print(json.dumps(report.data(), ensure_ascii=False, indent=2))
        return 0 if report.passed else 1
    for advice in report.advice:
        print(f"advice  {advice}")
    words = "all stages hold" if report.passed else "not yet"
    print(f"\n{paint('bold', words)} ({report.seconds:.0f} s)")
    return 0 if report.passed else 1


def look(
    folder: Path,
    number: int,
    report: Report,
    show: Callable[[Result], None],
    progress: Callable[[str], None],
    browser: Any = None,
) -> None:
    """Look at the stages up to the first that does not hold.

    `browser` is a Playwright browser that runs already; else one is started.
    """
    with Check(folder, number, progress, browser) as scene:
        for stage in STAGES[: number + 1]:
            progress(f"looking at stage {stage.number}, {stage.name}")
            result = judge(scene, stage)
            show(result)
            if result.state == FAILED:
                if scene.events.first("consumer failed", "socket failed"):
                    # Daphne looks for exceptions, and prints them, once a second.
                    wait_for(lambda: "Traceback" in str(scene.lines("web")), 2)
                glance = hints(scene)
                for later in STAGES[stage.number + 1 : number + 1]:
                    hint = glance.get(later.number, "")
                    show(Result(later.number, later.name, NOT_REACHED, hint))
                break
        report.advice += scene.advice
        report.log = {
            name: process.lines[-KEPT_LINES:]
            for name, process in scene.project.running.items()
        }
