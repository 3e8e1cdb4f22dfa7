"""Runs `tutorial check`, as a child or in this process, and reads its report."""

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
    # pytest-django sets this variable, which a user does not have.
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
    """The report of `tutorial check N DIR --json`."""
    result = run_check(number, str(folder), "--json", **variables)
    assert result.stdout, result.stderr
    report = json.loads(result.stdout)
    statuses = {True: 3 if report["findings"] else 0, False: 1}
    assert result.returncode == statuses[report["flow"]["works"]]
    return report


def named(report: dict) -> dict:
    """The mistake that breaks the flow, or else the first finding."""
    broken = [stage["diagnosis"] for stage in report["stages"] if stage["diagnosis"]]
    found = [*broken, *report["findings"]]
    assert found, report
    return found[0]


def all_named(report: dict) -> list[str]:
    """The ids of all reported mistakes; the one that breaks the flow comes first."""
    broken = [stage["diagnosis"] for stage in report["stages"] if stage["diagnosis"]]
    return [found["id"] for found in [*broken, *report["findings"]]]


def is_perfect(report: dict) -> bool:
    """Whether there is nothing to report."""
    return report["flow"]["works"] and not report["findings"]


def check_here(number: str, folder: Path, browser: Browser) -> dict:
    """The report of `tutorial check N DIR`, run in this process with this browser."""
    report = Report(str(folder), int(number))
    session.look(folder, report, lambda text: None, browser)
    assert not browser.contexts, "a page is left open"
    return report.data()


def print_check(
    number: str, title: str, folder: Path, browser: Browser
) -> tuple[int, str]:
    """The exit status and output of `tutorial check N DIR`, run in this process.

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
        signal.signal(signal.SIGHUP, before)  # `check` has changed it
    return status, output.getvalue()
