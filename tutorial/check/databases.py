"""Finds the SQLite databases of a project by their content, and reads them as SQL."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

BEGINNING = b"SQLite format 3\0"


def find(folder: Path) -> list[Path]:
    """Return the SQLite databases below the folder, whatever their names are."""
    return [path for path in folder.rglob("*") if path.is_file() and is_sqlite(path)]


def is_sqlite(path: Path) -> bool:
    """Whether the file is a SQLite database. False if the file does not exist."""
    try:
        with path.open("rb") as file:
            return file.read(len(BEGINNING)) == BEGINNING
    except FileNotFoundError:  # a journal that SQLite removed after a transaction
        return False


def statements(database: Path) -> Iterator[str]:
    """Yield the SQL statements that would create the database again."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        yield from connection.iterdump()
