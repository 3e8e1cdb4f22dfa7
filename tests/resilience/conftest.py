"""The app under fault: `final/` with short patience, and its owner's eyes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pytest

from running import Running, start_running
from tutorial import services, steps
from tutorial.processes import Processes

from .person import Person

# Seconds, where the app's own figures would make a test wait for minutes.
SHORT = {
    "OPENAI_TIMEOUT_SECONDS": "2",
    "SEARCH_LEASE_SECONDS": "4",
    "SEARCH_GRACE_SECONDS": "5",
    "SOCKET_CHECK_SECONDS": "1",
    "SEARCHES_PER_MINUTE": "1000",
}


def start_app(
    parent: Path,
    environment: Mapping[str, str] = MappingProxyType({}),
    stand_in_options: Sequence[str] = (),
    additions: Mapping[str, str] = MappingProxyType({}),
) -> Running:
    """Start a copy of `final/`, in the folder `parent`, with short patience.

    `additions` are texts that its files, by name, get at their ends.
    """
    step = steps.find("final")
    folder = parent / "project"
    steps.copy(step.folder, folder)
    for name, text in additions.items():
        with (folder / name).open("a") as file:
            file.write(text)
    return start_running(step, folder, SHORT | environment, stand_in_options)


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
        _, variables = services.start_stand_in(
            processes, services.free_port(), *options
        )
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
