"""What the tests of the repository may use: the browser, and running projects."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from support import forkserver
from support.running import Running, alive, start_running
from tutorial.paths import ROOT, VENV
from tutorial.project import steps
from tutorial.project.files import copy_project
from tutorial.runtime import processes
from tutorial.runtime.browser import BROWSER_ARGUMENTS, BROWSER_VARIABLE

# The tests bring services of their own, and never ask the real API.
for name in ("REDIS_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
    os.environ.pop(name, None)
# They visit this machine, also where they run in a codespace or through SSH.
for name in ("CODESPACES", "CSRF_TRUSTED_ORIGINS", "SSH_CONNECTION"):
    os.environ.pop(name, None)
# SOCK_SEQPACKET is not to be had everywhere.
if sys.platform == "linux":
    processes.popen = forkserver.popen
# What a shell starts in the background is deaf to SIGINT, and so is all that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """How many tests `-n auto` runs at a time: more than cores, because most wait."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) + 4
    return (os.cpu_count() or 1) + 4


# What `tutorial test --quick` runs: these folders, and tests with the marker `quick`.
QUICK = ("tests/unit/", "final/tests/")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what a quick run takes, before pytest selects by markers."""
    if item.nodeid.startswith(QUICK):
        item.add_marker("quick")


LONG = 5  # seconds, of a group of tests


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Choose the order in which xdist hands out the groups of tests."""
    seconds: dict[str, float] = defaultdict(float)  # by group
    for item in items:
        seconds[_group(item)] += _seconds(item)
    place = {group: number for number, group in enumerate(_in_order(seconds))}
    items.sort(key=lambda item: place[_group(item)])


def _in_order(seconds: dict[str, float]) -> Iterator[str]:
    """The groups, the longest first: one worker would be waited for at the end.

    But the long ones mostly wait, and the short ones mostly calculate. So some short
    ones follow each long one, until the short ones are used up a little early.
    """
    groups = sorted(seconds, key=lambda group: -seconds[group])
    long = [group for group in groups if seconds[group] >= LONG]
    short = groups[len(long) :]
    rest = sum(seconds[group] for group in short)
    share = 1.2 * rest / max(1.0, sum(seconds[group] for group in long))
    due = 0.0
    for group in long:
        yield group
        due += share * seconds[group]
        while short and due > 0:
            due -= seconds[short[0]]
            yield short.pop(0)
    yield from short


# How long a test of a folder usually takes, in seconds.
USUAL = {
    "tests/faults/": 8,
    "tests/resilience/": 8,
    "tests/steps/": 5,
    "tests/site/": 2,
}


def _seconds(item: pytest.Item) -> float:
    """How long a test takes, about."""
    if marker := item.get_closest_marker("slow"):
        return marker.args[0]
    usual = (time for folder, time in USUAL.items() if item.nodeid.startswith(folder))
    return next(usual, 0.5)


def _group(item: pytest.Item) -> str:
    """The group whose tests share a running project; or else the test alone."""
    marker = item.get_closest_marker("xdist_group")
    return marker.args[0] if marker else item.nodeid


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of faults, where all that ran belongs to it."""
    rows, others = {}, 0
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            fault = dict(getattr(report, "user_properties", ())).get("fault")
            others += fault is None
            if fault:
                # A row may have several tests: it holds if all of them do.
                rows.setdefault(tuple(fault), []).append(outcome)
    if rows and not others:
        terminalreporter.section("what could go wrong")
        for (number, title), outcomes in sorted(rows.items()):
            word = "holds" if set(outcomes) == {"passed"} else "FAILED"
            terminalreporter.write_line(f"{number:3}  {word:6}  {title}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator:
    """Show with a failure what the running projects have logged last."""
    report = yield
    if report.failed:
        for running in alive:
            lines = [f"{process}: {line}" for process, line in running.log[-80:]]
            title = f"log of {running.step.name} in {running.project.folder.parent}"
            report.sections.append((title, "\n".join(lines)))
    return report


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Start the browser that `tutorial test` has found."""
    return {
        **browser_type_launch_args,
        "executable_path": os.environ.get(BROWSER_VARIABLE),
        "args": list(BROWSER_ARGUMENTS),
    }


@dataclass
class KeptBrowser:
    """A browser that waits for the next test, and the event loop that it lives in."""

    playwright: Playwright
    options: dict[str, Any]
    loop: asyncio.AbstractEventLoop
    browser: Browser | None = None

    def get(self) -> Browser:
        """The browser; a new one where there is none, or where it has crashed."""
        if self.browser is None or not self.browser.is_connected():
            self.browser = self.playwright.chromium.launch(**self.options)
        return self.browser


@pytest.fixture(scope="session")
def kept_browser(browser_type_launch_args) -> Iterator[KeptBrowser]:
    """The browser of this process, for `chromium`."""
    with sync_playwright() as playwright:
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield KeptBrowser(playwright, browser_type_launch_args, loop)
        asyncio._set_running_loop(loop)


@pytest.fixture
def chromium(kept_browser) -> Iterator[Browser]:
    """A browser without an open page. What a test opens ends with the test.

    Between two tests its event loop is out of sight: Django's own tests and asyncio's
    would find themselves in it.
    """
    asyncio._set_running_loop(kept_browser.loop)
    try:
        browser = kept_browser.get()
        yield browser
        for context in browser.contexts:
            context.close()
    finally:
        asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def run_step(tmp_path_factory) -> Iterator[Callable[[str], Running]]:
    """A function that runs a copy of a step, by name, until another one is asked for.

    Mark its tests with the group "step NAME", so that they share it.
    """
    started: dict[str, Running] = {}

    def stop() -> None:
        while started:
            started.popitem()[1].stop()

    def start(name: str) -> Running:
        if name not in started:
            stop()
            step = steps.find(name)
            folder = tmp_path_factory.mktemp(f"step_{name}") / "project"
            copy_project(step.folder, folder)
            started[name] = start_running(step, folder)
        return started[name]

    yield start
    stop()


@pytest.fixture
def run_copy(tmp_path) -> Iterator[Callable[..., Running]]:
    """A function (step, file, old text, new text) that runs a step with that change."""
    started: list[Running] = []

    def start(name: str, file: str = "", old: str = "", new: str = "") -> Running:
        step = steps.find(name)
        folder = tmp_path / "project"
        copy_project(step.folder, folder)
        if file:
            text = (folder / file).read_text()
            assert text.count(old) == 1
            (folder / file).write_text(text.replace(old, new))
        started.append(start_running(step, folder))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def without_forks(monkeypatch) -> None:
    """Processes start as they do for a person: without the fork server."""
    monkeypatch.setattr(processes, "popen", subprocess.Popen)


@pytest.fixture
def fresh_clone(tmp_path) -> Path:
    """A fresh clone of the repository, without its tests."""
    target = tmp_path / "clone"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        + ["--", ":!tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    return target


@pytest.fixture
def root(fresh_clone) -> Path:
    """A copy of the repository with the environment that is already there."""
    (fresh_clone / ".venv").symlink_to(VENV, target_is_directory=True)
    return fresh_clone
