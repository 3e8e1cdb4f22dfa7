"""Fixtures that run `final/` with short timeouts, with SQLite or PostgreSQL."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from support.app.fault_hooks import HOOKS
from support.app.person import Person
from support.app.postgres import Postgres, find_programs, start_server
from support.app.start import start_app
from support.running import Running


def pytest_itemcollected(item: pytest.Item) -> None:
    """Use one process for all tests that share an app, so that the app starts once."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if parameters.get("database") == "postgres":
        item.add_marker(pytest.mark.xdist_group("app on PostgreSQL"))
        return
    for name in ("shared_app", "app"):
        if name in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture
def database(request) -> str:
    """Return the database of the apps: "sqlite", or what a mark of the test names."""
    return getattr(request, "param", "sqlite")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL server. Skip the test if PostgreSQL is not on this machine."""
    with start_server(find_programs()) as server:
        yield server


@pytest.fixture(scope="session")
def app_on_sqlite(tmp_path_factory) -> Iterator[Running]:
    running = start_breakable_app(tmp_path_factory.mktemp("app"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def app_on_postgres(tmp_path_factory, postgres) -> Iterator[Running]:
    url = postgres.new_database()
    running = start_breakable_app(tmp_path_factory.mktemp("app"), DATABASE_URL=url)
    yield running
    running.stop()


def start_breakable_app(folder: Path, **environment: str) -> Running:
    """Start `final/` with slow answers, and with hooks to break the app.

    An answer takes a few seconds, so that a test can interrupt it. The hooks do nothing
    until a test triggers them.
    """
    pace = ("--pace", "0.02")
    return start_app(folder, environment, stand_in_options=pace, additions=HOOKS)


@pytest.fixture
def app(request, database) -> Running:
    """Return a running `final/` for tests that break the app and repair it."""
    return request.getfixturevalue(f"app_on_{database}")


@pytest.fixture(scope="session")
def unbroken_app(tmp_path_factory) -> Iterator[Running]:
    running = start_app(tmp_path_factory.mktemp("shared_app"))
    yield running
    running.stop()


@pytest.fixture
def shared_app(request, database) -> Running:
    """Return a running `final/` for tests that do not break the app."""
    name = "unbroken_app" if database == "sqlite" else "app_on_postgres"
    return request.getfixturevalue(name)


@pytest.fixture
def run_app(request, database, tmp_path) -> Iterator[Callable[..., Running]]:
    """Provide a function (NAME=value, ...) that runs `final/` with these variables.

    `additions` maps the names of files of `final/` to texts that are appended to them.
    """
    started: list[Running] = []

    def start(
        additions: Mapping[str, str] | None = None,
        stand_in_options: Sequence[str] = (),
        **environment: str,
    ) -> Running:
        if database == "postgres":
            server = request.getfixturevalue("postgres")
            environment["DATABASE_URL"] = server.new_database()
        folder = tmp_path / f"app{len(started)}"
        running = start_app(folder, environment, stand_in_options, additions or {})
        started.append(running)
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def person(app) -> Person:
    """Return a visitor of the app."""
    return Person(app.site)


@pytest.fixture(autouse=True)
def row_of_the_table(request, record_property) -> None:
    """Record to which row of the table of faults the test belongs, for the report."""
    if mark := request.node.get_closest_marker("fault"):
        record_property("fault", mark.args)
