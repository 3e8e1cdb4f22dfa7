"""Reads and changes the app's SQLite database through the test's own connection."""

import contextlib
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

from support.running import Running


def file_of(running: Running) -> Path:
    """Return the path of the running app's SQLite file."""
    url = running.project.environment.get("DATABASE_URL", "")
    return Path(url.removeprefix("sqlite://") or running.project.folder / "db.sqlite3")


@contextlib.contextmanager
def open_database(running: Running) -> Iterator[sqlite3.Connection]:
    """Open a connection to the app's database during the `with` block.

    The connection commits each statement.
    """
    connection = sqlite3.connect(file_of(running), isolation_level=None, timeout=10)
    with contextlib.closing(connection):
        yield connection


def change(running: Running, statement: str, *values: object) -> None:
    """Run the statement, and check that it changes exactly one row."""
    with open_database(running) as connection:
        assert connection.execute(statement, values).rowcount == 1


def insert_search(running: Running, user_id: int, **fields: object) -> str:
    """Insert a search that no worker knows of, and return its id."""
    task_id = uuid.uuid4()
    row = {
        "task_id": task_id.hex,
        "user_id": user_id,
        "query": "Inserted?",
        "answer": "",
        "error": "",
        "status": "running",
        "sequence": 0,
        "claims": 1,
        # The lease lasts until the year 2999, so that no worker claims the row.
        "updated_at": "2999-01-01 00:00:00",
        **fields,
    }
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    change(
        running,
        f"INSERT INTO search_searchresult ({names}) VALUES ({marks})",
        *row.values(),
    )
    return str(task_id)
