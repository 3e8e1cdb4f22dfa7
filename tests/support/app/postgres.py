"""Starts PostgreSQL for tests that use it in place of SQLite."""

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from tutorial.runtime.exclusive import free_port
from tutorial.runtime.postgres import (
    PGBOUNCER_VARIABLE,
    POSTGRES_VARIABLE,
    start_pgbouncer,
    start_postgres,
)
from tutorial.runtime.processes import Process, Processes

NONE = "there is no PostgreSQL on this machine: tested with SQLite only"

# Decorators for tests with the fixtures `app`, `shared_app` or `run_app`.
on_both_databases = pytest.mark.parametrize(
    "database", ["sqlite", "postgres"], indirect=True
)
on_postgres = pytest.mark.parametrize("database", ["postgres"], indirect=True)


def find_programs() -> Path:
    """Return the folder in which `tutorial test` has found PostgreSQL's programs.

    If there is no PostgreSQL, the test is skipped. In CI, it fails.
    """
    if programs := os.environ.get(POSTGRES_VARIABLE):
        return Path(programs)
    if os.environ.get("CI") == "true":
        pytest.fail(NONE)
    pytest.skip(NONE)


def find_pgbouncer() -> str:
    """Return the path of PgBouncer.

    If there is no PgBouncer, the test is skipped. In CI, it fails.
    """
    if program := os.environ.get(PGBOUNCER_VARIABLE):
        return program
    if os.environ.get("CI") == "true":
        pytest.fail("there is no PgBouncer on this machine")
    pytest.skip("there is no PgBouncer on this machine")


@dataclass
class Postgres:
    """A PostgreSQL server, and the folder with its data."""

    programs: Path
    processes: Processes
    data: Path
    port: int
    process: Process
    url: str
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def start_again(self) -> None:
        """After the server was killed, start it again with the same data."""
        (self.data / "postmaster.pid").unlink()
        self.process, _ = start_postgres(
            self.processes, self.programs, self.data, self.port
        )

    def new_database(self) -> str:
        """Create a database for one test, and return its URL."""
        name = f"app{next(self.numbers)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url.rpartition("/")[0] + f"/{name}"


@contextlib.contextmanager
def through_pgbouncer(server: Postgres, database: str, **options: str) -> Iterator[str]:
    """Run PgBouncer during the `with` block. `options` are settings of PgBouncer.

    Yields the URL at which clients reach the database through PgBouncer.
    """
    folder = tempfile.TemporaryDirectory(prefix="pgbouncer-")
    with folder as name, Processes(lambda name, line: None) as processes:
        yield start_pgbouncer(
            processes, find_pgbouncer(), Path(name), free_port(), database, **options
        )


@contextlib.contextmanager
def start_server(programs: Path, **options: str) -> Iterator[Postgres]:
    """Run a server with a new, empty data folder during the `with` block.

    `options` are settings of the server, such as max_connections.
    """
    # PostgreSQL's user has no access to pytest's temporary folder, so use another one.
    folder = tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True)
    with folder as name, Processes(lambda name, line: None) as processes:
        data, port = Path(name), free_port()
        process, url = start_postgres(processes, programs, data, port, **options)
        yield Postgres(programs, processes, data, port, process, url)
