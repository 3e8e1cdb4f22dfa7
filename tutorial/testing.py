"""`tutorial test`: the browser, and then pytest."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tutorial.environment import ROOT, VENV
from tutorial.problem import Problem
from tutorial.services import NO_PROXY, find_redis

BROWSER_VARIABLE = "TUTORIAL_BROWSER"

SYSTEM_BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

# In a container as root, Chromium wants the first; the others keep it off the network.
BROWSER_ARGUMENTS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def test(arguments: list[str]) -> int:
    """Run pytest with `arguments`, and return its exit status.

    Raises Problem where no browser or no Redis can be had: nothing is skipped quietly.
    """
    find_redis()
    environment = (
        os.environ
        | NO_PROXY
        | {
            BROWSER_VARIABLE: find_browser(),
            "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
    )
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.call(command, cwd=ROOT, env=environment)


def find_browser() -> str:
    """The program of a Chromium: the system's, Playwright's, or Debian's, new.

    Raises Problem where none of them can be had.
    """
    for ways in (_system_browser, _playwright_browser, _debian_browser):
        if found := ways():
            return found
    raise Problem(
        "The tests need a browser, and none can be had: this machine has no Chromium"
        " and no Chrome, and Playwright could not download its own.\n"
        "Install Chromium (on Debian and Ubuntu: apt install chromium), then start the"
        " same command again."
    )


def _system_browser() -> str | None:
    return next(filter(_starts, map(shutil.which, SYSTEM_BROWSERS)), None)


def _starts(program: str | None) -> bool:
    """Whether the program is there and runs: Ubuntu has a stub of that name."""
    if program is None:
        return False
    try:
        command = [program, "--version"]
        result = subprocess.run(command, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0


def _playwright_browser() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = playwright.chromium.executable_path
    if not Path(program).exists():
        print("Downloading a browser for Playwright ...", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "playwright", "install", "chromium"]
        try:
            subprocess.run(command, capture_output=True, timeout=300, check=False)
        except subprocess.TimeoutExpired:
            return None
    return program if Path(program).exists() else None


def _debian_browser() -> str | None:
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return None
    print("Installing Debian's chromium ...", file=sys.stderr, flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "chromium"],
    ):
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        if result.returncode:
            print(result.stderr.strip()[-500:], file=sys.stderr)
            return None
    return _system_browser()
