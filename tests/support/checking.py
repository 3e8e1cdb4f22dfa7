"""`tutorial check`: what it says of a folder, as a child, or in this process."""

import json
import os
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser

from tutorial.check.report import Report
from tutorial.check.session import look
from tutorial.paths import ROOT


def run_check(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    # pytest-django's own, which no person who checks a folder has.
    environment = os.environ | variables
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return subprocess.run(
        [sys.executable, "-m", "tutorial", "check", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def check(number: str, folder: Path, **variables: str) -> dict:
    """What `tutorial check N DIR --json` says."""
    result = run_check(number, str(folder), "--json", **variables)
    assert result.stdout, result.stderr
    report = json.loads(result.stdout)
    assert result.returncode == (0 if report["passed"] else 1)
    return report


def failed(report: dict) -> dict:
    """The diagnosis of the one stage that does not hold."""
    found = [r["diagnosis"] for r in report["results"] if r["state"] == "failed"]
    assert len(found) == 1, report
    return found[0]


def check_here(number: str, folder: Path, browser: Browser) -> dict:
    """What `tutorial check N DIR --json` says, from this process, with this browser."""
    report = Report(str(folder), int(number))
    results, quiet = report.results.append, lambda text: None
    look(folder, int(number), report, results, quiet, browser)
    assert not browser.contexts, "a page is left open"
    return report.data()
