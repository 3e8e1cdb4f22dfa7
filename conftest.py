"""Fixtures and hooks for all tests: a browser, running projects, the order of tests."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from support import forkserver
from support.folders import copy_repository
from support.running import Running, alive, start_running
from tutorial.paths import VENV
from tutorial.project import steps
from tutorial.project.files import copy_project
from tutorial.runtime import processes
from tutorial.runtime.browser import BROWSER_ARGUMENTS, BROWSER_VARIABLE

# The tests start their own services, and never call the real API.
for name in ("REDIS_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
    os.environ.pop(name, None)
# The tests open pages on 127.0.0.1, even if they run in a codespace or over SSH.
for name in ("CODESPACES", "CSRF_TRUSTED_ORIGINS", "SSH_CONNECTION"):
    os.environ.pop(name, None)
# On a busy machine, a page needs longer than Playwright's default of five seconds.
expect.set_options(timeout=20_000)
# The fork server needs SOCK_SEQPACKET, which not all systems have.
if sys.platform == "linux":
    processes.popen = forkserver.popen
# A shell makes its background processes ignore SIGINT, and their children inherit this.
# But the tests end programs with SIGINT.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Return how many tests `-n auto` runs at a time.

    The number is higher than the number of cores, because most tests wait most of the
    time.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) + 4
    return (os.cpu_count() or 1) + 4


# `tutorial test --quick` runs the tests in these folders, and those with the marker
# `quick`.
QUICK = ("tests/unit/", "final/tests/")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests of a quick run, before pytest selects tests by their markers."""
    if item.nodeid.startswith(QUICK):
        item.add_marker("quick")


LONG = 5  # seconds; a group of tests that takes longer is a long group


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Choose the order in which xdist hands out the groups of tests."""
    seconds: dict[str, float] = defaultdict(float)  # by group
    for item in items:
        seconds[_group(item)] += _seconds(item)
    place = {group: number for number, group in enumerate(_in_order(seconds))}
    items.sort(key=lambda item: place[_group(item)])


def _in_order(seconds: dict[str, float]) -> Iterator[str]:
    """Yield the groups, the longest first.

    If a long group started last, the other workers would have nothing to do until it
    ends. But long groups mostly wait, and short groups mostly use the processor. So
    some short groups follow each long one. The last short group comes before the last
    long ones.
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
    """Return about how long a test takes, in seconds."""
    if marker := item.get_closest_marker("slow"):
        return marker.args[0]
    usual = (time for folder, time in USUAL.items() if item.nodeid.startswith(folder))
    return next(usual, 0.5)


def _group(item: pytest.Item) -> str:
    """Return the name of the test's group, whose tests share a running project.

    A test that shares no project is a group of its own.
    """
    marker = item.get_closest_marker("xdist_group")
    return marker.args[0] if marker else item.nodeid


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of faults, if each test that ran belongs to a row of it."""
    rows, others = {}, 0
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            fault = dict(getattr(report, "user_properties", ())).get("fault")
            others += fault is None
            if fault:
                # A row may have several tests. It says "holds" if all of them pass.
                rows.setdefault(tuple(fault), []).append(outcome)
    if rows and not others:
        terminalreporter.section("what could go wrong")
        for (number, title), outcomes in sorted(rows.items()):
            word = "holds" if set(outcomes) == {"passed"} else "FAILED"
            terminalreporter.write_line(f"{number:3}  {word:6}  {title}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator:
    """If a test fails, show the last log lines of the running projects."""
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
    """A browser that stays open between tests, and its event loop."""

    playwright: Playwright
    options: dict[str, Any]
    loop: asyncio.AbstractEventLoop
    browser: Browser | None = None

    def get(self) -> Browser:
        """Return the browser. Start one if there is none, or if it has crashed."""
        if self.browser is None or not self.browser.is_connected():
            self.browser = self.playwright.chromium.launch(**self.options)
        return self.browser


@pytest.fixture(scope="session")
def kept_browser(browser_type_launch_args) -> Iterator[KeptBrowser]:
    """Yield the browser that the fixture `chromium` passes to the tests."""
    with sync_playwright() as playwright:
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield KeptBrowser(playwright, browser_type_launch_args, loop)
        asyncio._set_running_loop(loop)


@pytest.fixture
def chromium(kept_browser) -> Iterator[Browser]:
    """Yield a browser without an open page. After the test, close its pages.

    After the test, the browser's event loop is no longer the running loop of this
    thread. Otherwise, Django and asyncio would refuse to run synchronous code or a
    second loop in the next test.
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
    """Yield a function that runs a copy of the step with the given name.

    The copy runs until a test calls the function with another name. Tests that use
    this fixture need the mark `xdist_group("step NAME")`, so that they share one copy.
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
    """Yield a function (step, file, old text, new text) that runs a changed step."""
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
    """Start processes without the fork server, which only the tests use."""
    monkeypatch.setattr(processes, "popen", subprocess.Popen)


@pytest.fixture
def fresh_clone(tmp_path) -> Path:
    """Return a fresh clone of the repository, without its tests."""
    return copy_repository(tmp_path / "clone")


@pytest.fixture
def root(fresh_clone) -> Path:
    """Return a copy of the repository that uses the existing `.venv`."""
    (fresh_clone / ".venv").symlink_to(VENV, target_is_directory=True)
    return fresh_clone


@pytest.fixture(scope="session")
def unchanged_root(tmp_path_factory) -> Path:
    """Return such a copy for tests in which the command must not change any file."""
    target = copy_repository(tmp_path_factory.mktemp("unchanged") / "clone")
    (target / ".venv").symlink_to(VENV, target_is_directory=True)
    return target
