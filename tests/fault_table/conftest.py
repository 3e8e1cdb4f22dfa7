"""The app under fault: `final/` with short patience, and its owner's eyes."""

from collections.abc import Callable, Iterator

import pytest

from running import Running, start_running
from tutorial import steps

# Seconds, where the app's own figures would make a test wait for minutes.
SHORT = {
    "OPENAI_TIMEOUT_SECONDS": "2",
    "SEARCH_LEASE_SECONDS": "4",
    "SEARCH_GRACE_SECONDS": "5",
    "SOCKET_CHECK_SECONDS": "1",
    "SEARCHES_PER_MINUTE": "1000",
}


@pytest.fixture
def run_app(tmp_path) -> Iterator[Callable[..., Running]]:
    """A function (NAME=value, ...) that runs `final/` with these variables."""
    started: list[Running] = []

    def start(**environment: str) -> Running:
        folder = tmp_path / f"app{len(started)}" / "project"
        step = steps.find("final")
        steps.copy(step.folder, folder)
        started.append(start_running(step, folder, SHORT | environment))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture(scope="session")
def shared_app(tmp_path_factory) -> Iterator[Running]:
    """`final/`, for the rows that leave it as it was.

    Mark them with the group "fault table", so that they share it.
    """
    folder = tmp_path_factory.mktemp("shared_app") / "project"
    step = steps.find("final")
    steps.copy(step.folder, folder)
    running = start_running(step, folder, SHORT)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def row_of_the_table(request, record_property) -> None:
    """Say in the report which row this is."""
    number, title = request.node.get_closest_marker("fault").args
    record_property("fault", (number, title))
