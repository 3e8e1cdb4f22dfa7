"""Finds or installs a Chromium for the tests and for `check`."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, sync_playwright

from tutorial.problem import Problem
from tutorial.runtime import debian

# The variable that passes the path of the browser on to child processes.
BROWSER_VARIABLE = "TUTORIAL_BROWSER"

# The browsers to look for, in this order. The first one is a headless build, which is
# the fastest.
SYSTEM_BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

# Features of Chromium that are turned off. If the first two were on, Chromium would
# create two internal pages for the address bar of each window. They take longer to load
# than the page under test. Playwright turns off the other features itself. They are
# repeated here because Chromium obeys only the last --disable-features.
UNWANTED_FEATURES = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    *("AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect"),
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose"),
    *("HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay"),
    *("MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints"),
    *("PaintHolding", "PreconnectToSearch", "ThirdPartyStoragePartitioning"),
)

# Chromium needs the first argument to run as root in a container. The other arguments
# keep it from using the network.
BROWSER_ARGUMENTS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(UNWANTED_FEATURES)}",
)


def find_browser() -> str:
    """Return the path of a Chromium. Install or download one if there is none.

    Raises Problem if that fails.
    """
    for way in (present_browser, _install, _download):
        if found := way():
            return found
    raise Problem(
        "A browser is needed, and there is none: this machine has no Chromium"
        " and no Chrome, and Playwright could not download its own.\n"
        "Install Chromium (on Debian and Ubuntu: apt install chromium), then run the"
        " same command again."
    )


def present_browser() -> str | None:
    """Return the path of a Chromium that is already on this machine, or None."""
    if program := os.environ.get(BROWSER_VARIABLE):
        return program
    if found := next(filter(_starts, map(shutil.which, SYSTEM_BROWSERS)), None):
        return found
    program = _of_playwright()
    return program if Path(program).exists() else None


@contextlib.contextmanager
def launch(program: str) -> Iterator[Any]:
    """Start a headless browser, and yield it as an object of Playwright's sync API.

    Raises Problem if it does not start.
    """
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=program, args=list(BROWSER_ARGUMENTS)
            )
        except Error as error:
            said = re.findall(r"\[err\] (.*(?:FATAL|error).*)", str(error))
            words = (said or [str(error).splitlines()[0]])[0]
            raise Problem(f"The browser {program} does not start: {words}") from error
        try:
            yield browser
        finally:
            browser.close()


def _starts(program: str | None) -> bool:
    """Whether the program exists and runs.

    On Ubuntu, `chromium-browser` may be a stub that does not run.
    """
    if program is None:
        return False
    try:
        command = [program, "--version"]
        result = subprocess.run(command, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0


def _of_playwright() -> str:
    """Return the path of Playwright's own browser, even if it is not downloaded yet."""
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def _install() -> str | None:
    for package in ("chromium-headless-shell", "chromium"):
        if debian.install(package):
            return present_browser()
    return None


def _download() -> str | None:
    program = _of_playwright()
    print("Downloading a browser for Playwright ...", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    try:
        subprocess.run(command, capture_output=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        return None
    return program if Path(program).exists() else None
