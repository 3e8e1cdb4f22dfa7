"""Runs `tutorial check` in a child process or in this one, and reads its report."""

import contextlib
import io
import json
import os
import signal
import subprocess
from pathlib import Path

from playwright.sync_api import Browser

from support import forkserver
from tutorial.check import session
from tutorial.check.report import Report
from tutorial.paths import ROOT


def run_check(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `tutorial check` until it ends."""
    # pytest-django sets DJANGO_SETTINGS_MODULE, but a user's environment has no such
    # variable.
    environment = os.environ | variables
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return subprocess.run(
        [*forkserver.tutorial(), "check", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def check(number: str, folder: Path, **variables: str) -> dict:
    """Run `tutorial check N DIR --json`, and return its report."""
    result = run_check(number, str(folder), "--json", **variables)
    assert result.stdout, result.stderr
    report = json.loads(result.stdout)
    statuses = {True: 3 if report["findings"] else 0, False: 1}
    assert result.returncode == statuses[report["flow"]["works"]]
    return report


def named(report: dict) -> dict:
    """Return the mistake that breaks the flow, or else the first finding."""
    broken = [stage["diagnosis"] for stage in report["stages"] if stage["diagnosis"]]
    found = [*broken, *report["findings"]]
    assert found, report
    return found[0]


def all_named(report: dict) -> list[str]:
    """Return the ids of all reported mistakes.

    The mistake that breaks the flow comes first.
    """
    broken = [stage["diagnosis"] for stage in report["stages"] if stage["diagnosis"]]
    return [found["id"] for found in [*broken, *report["findings"]]]


def is_perfect(report: dict) -> bool:
    """Whether the flow works and the report has no findings."""
    return report["flow"]["works"] and not report["findings"]


def check_here(number: str, folder: Path, browser: Browser) -> dict:
    """Run `tutorial check N DIR` in this process with `browser`. Return the report."""
    report = Report(str(folder), int(number))
    session.look(folder, report, lambda text: None, browser)
    assert not browser.contexts, "a page is left open"
    return report.data()


def print_check(
    number: str, title: str, folder: Path, browser: Browser
) -> tuple[int, str]:
    """Run `tutorial check N DIR` in this process. Return its exit status and output.

    `title` is DIR as a user types it.
    """
    output = io.StringIO()
    before = signal.getsignal(signal.SIGHUP)
    try:
        with contextlib.redirect_stdout(output):
            status = session.check(
                folder,
                title,
                int(number),
                as_json=False,
                strict=False,
                compare=f"python3 -m tutorial diff {title} {number}",
                browser=browser,
            )
    finally:
        signal.signal(signal.SIGHUP, before)  # restore what `check` has changed
    return status, output.getvalue()
