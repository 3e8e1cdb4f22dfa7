"""`tutorial check N [DIR]`: the stages in order, a line for each."""

import json
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from tutorial.check import older_code
from tutorial.check.glance import hints
from tutorial.check.report import (
    FAILED,
    NOT_REACHED,
    PASSED,
    Diagnosis,
    Report,
    Result,
    line_of,
    stage_name,
)
from tutorial.check.scene import Check, Scene, last_words
from tutorial.check.unmet import Unmet
from tutorial.runtime.terminal import Progress, painter
from tutorial.runtime.waiting import wait_for
from tutorial.visitor.site import Unmet as SpecificationUnmet

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
        for stage in range(number + 1):
            progress(f"looking at stage {stage}, {stage_name(stage)}")
            result = _look_at(scene, stage)
            show(result)
            if result.state == FAILED:
                if scene.events.first("consumer failed", "socket failed"):
                    # Daphne looks for exceptions, and prints them, once a second.
                    wait_for(lambda: "Traceback" in str(scene.lines("web")), 2)
                glance = hints(scene)
                for later in range(stage + 1, number + 1):
                    hint = glance.get(later, "")
                    show(Result(later, stage_name(later), NOT_REACHED, hint))
                break
        report.advice += scene.advice
        report.log = {
            name: process.lines[-KEPT_LINES:]
            for name, process in scene.project.running.items()
        }


def _look_at(scene: Scene, stage: int) -> Result:
    name = stage_name(stage)
    module = import_module(f"tutorial.check.stages.stage_{stage}_{name}")
    try:
        return Result(stage, name, PASSED, module.check(scene))
    except Unmet as unmet:
        return Result(stage, name, FAILED, diagnosis=Diagnosis.of(unmet))
    except SpecificationUnmet as unmet:
        diagnosis = Diagnosis.of(Unmet("no-form", str(unmet)))
        return Result(stage, name, FAILED, diagnosis=diagnosis)
    except OSError as error:
        # The web process is gone, or does not answer any more.
        return Result(stage, name, FAILED, diagnosis=Diagnosis.of(_gone(scene, error)))
    except Exception as error:
        # A mistake of ours, in something that no project had until now.
        seen = f"{type(error).__name__}: {error}".splitlines()[0]
        diagnosis = Diagnosis.of(Unmet("check-fails", seen, stage=stage))
        return Result(stage, name, FAILED, diagnosis=diagnosis)


def _gone(scene: Scene, error: OSError) -> Unmet:
    if scene.has_ended("web"):
        words, place = scene.why_it_ended("web")
        return Unmet("web-ends", words, expected="a web process that goes on", at=place)
    words = last_words(scene.lines("web"))
    return Unmet("web-ends", f"{error}; web says: {words}")
