"""Fixtures that the tests share: for the site, for `check`, and for `run`."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import checking, website
from support.runner import Runner
from tutorial.project import steps
from tutorial.project.files import copy_project
from tutorial.runtime.waiting import wait_until


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> website.Built:
    """Build the site as `docs --build` does, but only once for all test processes."""
    base = tmp_path_factory.getbasetemp()
    return website.build_once(
        base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    )


@pytest.fixture(scope="session")
def address(built, tmp_path_factory):
    """Serve the site in a subfolder of a plain file server, and yield its address."""
    top = tmp_path_factory.mktemp("server")
    (top / "below").symlink_to(built.folder, target_is_directory=True)
    with website.serve(top) as host:
        yield f"{host}below/"


@pytest.fixture
def check_here(chromium, monkeypatch) -> Callable[[str, Path], dict]:
    """Return a function (number, folder) that runs `check` in this process.

    It checks the project in the folder as step `number`.
    """
    # pytest-django sets this variable. It is not set when a user runs `check`.
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    return lambda number, folder: checking.check_here(number, folder, chromium)


@pytest.fixture
def changed(tmp_path):
    """Return a function (file, old, new, ...) that copies step 7 and changes the copy.

    In each `file`, it replaces the text `old` with `new`.
    """

    def make(*changes):
        folder = tmp_path / "project"
        copy_project(steps.find("7").folder, folder)
        for file, old, new in zip(*[iter(changes)] * 3, strict=True):
            text = (folder / file).read_text()
            assert text.count(old) == 1, (file, old)
            (folder / file).write_text(text.replace(old, new))
        return folder

    return make


@pytest.fixture
def start(root) -> Iterator[Callable[..., Runner]]:
    """Yield a function that starts `tutorial run` in the copy of the repository.

    After the test, all runs are killed.
    """
    runners: list[Runner] = []

    def start_one(*arguments: str, cwd: Path = root, **options) -> Runner:
        runners.append(Runner(cwd, *arguments, **options))
        return runners[-1]

    yield start_one
    for runner in runners:
        runner.child.kill()
        runner.child.wait()
        wait_until(
            lambda r=runner: not r.processes(),
            seconds=10,
            otherwise="processes are left over",
        )
