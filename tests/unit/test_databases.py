"""`check` finds the databases in the copy of a project while its processes run."""

import sqlite3

from tutorial.check.databases import find, is_sqlite


def test_a_database_is_found_by_its_content(tmp_path):
    database, text = tmp_path / "answers", tmp_path / "text.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE answer (words TEXT)")
    text.write_text("no database")
    assert find(tmp_path) == [database]


def test_a_file_that_was_removed_is_not_a_database(tmp_path):
    """SQLite removes its journal at the end of each transaction."""
    assert not is_sqlite(tmp_path / "db.sqlite3-journal")
