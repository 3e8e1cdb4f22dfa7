"""The app under fault: `final/` with short patience, and its owner's eyes."""

from collections.abc import Callable, Iterator

import pytest

from support.app.person import Person
from support.app.start import start_app
from support.running import Running
from tutorial.runtime import services
from tutorial.runtime.processes import Processes


@pytest.fixture
def run_app(tmp_path) -> Iterator[Callable[..., Running]]:
    """A function (NAME=value, ...) that runs `final/` with these variables."""
    started: list[Running] = []

    def start(**environment: str) -> Running:
        started.append(start_app(tmp_path / f"app{len(started)}", environment))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture(scope="session")
def shared_app(tmp_path_factory) -> Iterator[Running]:
    """`final/`, for the rows that leave it as it was.

    Mark them with the group "fault table", so that they share it.
    """
    running = start_app(tmp_path_factory.mktemp("shared_app"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def app_of_this_file(request, tmp_path_factory) -> Iterator[Running]:
    """`final/`, for the rows of one file, each of which brings back what it breaks.

    Its API takes some seconds for an answer, so that there is a middle to break it in.
    The test file's ADDITIONS, if any, are added to the app's files. Mark the rows with
    a group of their own, so that they share it.
    """
    running = start_app(
        tmp_path_factory.mktemp("app"),
        stand_in_options=("--pace", "0.02"),
        additions=getattr(request.module, "ADDITIONS", {}),
    )
    yield running
    running.stop()


@pytest.fixture
def slow_api() -> Iterator[str]:
    """The address of an API that writes an answer for some seconds."""
    options = ("--latency", "0.1", "--pace", "0.04")
    with Processes(lambda name, line: None) as processes:
        _, variables = services.start_stand_in(processes, *options)
        yield variables["OPENAI_BASE_URL"]


@pytest.fixture
def app(app_of_this_file) -> Running:
    """The app of this file, by a short name."""
    return app_of_this_file


@pytest.fixture
def person(app) -> Person:
    """Somebody who has come to it."""
    return Person(app.site)


@pytest.fixture(autouse=True)
def row_of_the_table(request, record_property) -> None:
    """Say in the report which row this is."""
    number, title = request.node.get_closest_marker("fault").args
    record_property("fault", (number, title))
