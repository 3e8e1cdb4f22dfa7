"""The core rows once more, with PostgreSQL in the place of SQLite."""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from support.app.fault_hooks import ADDITIONS, wait_for_middle
from support.app.person import Person, calls, wait_for_frame
from support.app.processes import frozen, kill
from support.app.stranger import nobody_else_sees
from support.running import Running
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.postgres import POSTGRES_VARIABLE, start_postgres
from tutorial.runtime.processes import Process, Processes
from tutorial.runtime.waiting import wait_until

from .conftest import start_app

PROGRAMS = os.environ.get(POSTGRES_VARIABLE, "")

# Where none can be had, `tutorial test` says so, and there is nothing to collect here.
if PROGRAMS:
    from .test_dead_workers import (  # noqa: F401
        test_a_crash_before_the_save,
        test_a_worker_is_killed,
        test_a_worker_is_killed_beside_another,
        test_a_worker_that_takes_long_is_not_taken_for_dead,
    )
    from .test_people import (  # noqa: F401
        at_the_same_time,
        test_everybody_sees_their_own_in_each_of_their_tabs,
        test_nobody_gets_at_the_search_of_another,
        test_the_same_form_many_times_at_once_is_one_search,
    )
    from .test_redis import (  # noqa: F401
        test_redis_hangs,
        test_redis_loses_the_queue,
        test_redis_refuses,
    )
    from .test_workers import test_a_message_is_delivered_twice  # noqa: F401

pytestmark = pytest.mark.xdist_group("faults with postgres")


@dataclass
class Postgres:
    """A server, and how it is started again."""

    processes: Processes
    data: Path
    port: int
    process: Process
    url: str

    def start_again(self) -> None:
        """Start it with the data that it has."""
        self.process, _ = start_postgres(
            self.processes, Path(PROGRAMS), self.data, self.port
        )

    def new_database(self, name: str) -> str:
        """Make a database: its URL."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url.rpartition("/")[0] + f"/{name}"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    # Not in pytest's folder, into which PostgreSQL's user may not look.
    with (
        tempfile.TemporaryDirectory(
            prefix="postgres-", ignore_cleanup_errors=True
        ) as f,
        Processes(lambda name, line: None) as processes,
    ):
        data, port = Path(f), free_port()
        process, url = start_postgres(processes, Path(PROGRAMS), data, port)
        yield Postgres(processes, data, port, process, url)


@pytest.fixture(scope="module")
def app_of_this_file(postgres, tmp_path_factory) -> Iterator[Running]:
    running = start_app(
        tmp_path_factory.mktemp("app"),
        {"DATABASE_URL": postgres.new_database("shared")},
        stand_in_options=("--pace", "0.02"),
        additions=ADDITIONS,
    )
    yield running
    running.stop()


@pytest.fixture
def shared_app(app_of_this_file) -> Running:
    return app_of_this_file


@pytest.fixture
def run_app(postgres, tmp_path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(**environment: str) -> Running:
        url = postgres.new_database(f"own{len(started)}")
        variables = {"DATABASE_URL": url, **environment}
        started.append(start_app(tmp_path / f"app{len(started)}", variables))
        return started[-1]

    yield start
    for running in started:
        running.stop()


if PROGRAMS:

    @pytest.mark.fault(26, "a flood of questions from one person")
    def test_a_flood_finds_its_limit(run_app):
        running = run_app(SEARCHES_PER_MINUTE="5")
        flood = Person(running.site)
        answers = at_the_same_time(lambda: flood.post("Flood?"), 30)
        assert sorted(status for status, *_ in answers) == [202] * 5 + [429] * 25

    @pytest.mark.fault(25, "the database is locked or gone for some seconds")
    def test_a_server_that_dies_comes_back(app, person, postgres):
        with nobody_else_sees(app.site), person.open_socket() as socket:
            task_id = person.search("Who is asked meanwhile?")
            wait_for_middle(person, task_id)
            kill(postgres.process)
            status, data, headers = person.post("Is anything saved?")
            assert (status, headers["Retry-After"]) == (503, "5"), data
            wait_until(
                lambda: any("database does not" in line for _, line in app.log),
                seconds=20,
                otherwise="the worker has not noticed",
            )
            (postgres.data / "postmaster.pid").unlink()  # of the dead
            postgres.start_again()
            assert wait_for_frame(socket, task_id)["status"] == "done"
            again = person.search("And now?")
            assert wait_for_frame(socket, again)["status"] == "done"
        assert calls(app.site, "Who is asked meanwhile?") == 1

    @pytest.mark.fault(25, "the database is locked or gone for some seconds")
    def test_a_server_that_hangs_is_waited_for(app, person, postgres):
        with nobody_else_sees(app.site), person.open_socket() as socket:
            task_id = person.search("Who hangs?")
            wait_for_middle(person, task_id)
            lines = len(app.log)
            with frozen(postgres.process):
                wait_until(
                    lambda: (
                        any(task_id[:8] in line for _, line in app.log[lines:])
                        or calls(app.site, "Who hangs?")
                    ),
                    seconds=20,
                    otherwise="nothing happened",
                )
            assert wait_for_frame(socket, task_id)["status"] == "done"
        assert calls(app.site, "Who hangs?") == 1
