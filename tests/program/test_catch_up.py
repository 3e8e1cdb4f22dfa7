"""`tutorial new --catch-up` completes a step in a folder without losing files."""

import contextlib
import shutil
import sqlite3

import pytest

from support.folders import check_same, everything, make, migrate
from support.program import check_message, tutorial

ADD_ADA = (
    "INSERT INTO auth_user (username, password, is_superuser, first_name, last_name,"
    " email, is_staff, is_active, date_joined)"
    " VALUES ('ada', '', 0, '', '', '', 0, 1, '2026-01-01')"
)


def test_catch_up_moves_files_aside_and_loses_none(root, tmp_path):
    folder = make(tmp_path / "my-search", "2")
    migrate(folder)
    database = (folder / "db.sqlite3").read_bytes()
    (folder / "search" / "views.py").write_text("mine\n")  # a changed file
    (folder / "search" / "forms.py").unlink()  # a deleted file
    extras = ("pages/views.py", "pages/templates/pages/a.html", "notes.txt")
    for name in extras:  # additional files
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"my {name}")
    kept = {name: (folder / name).read_bytes() for name in extras}
    kept["search/views.py"] = b"mine\n"
    leftovers = (
        *(".env", ".gitignore", ".venv/lib/x.py", "pages/__pycache__/views.pyc"),
        *("env/pyvenv.cfg", "env/lib/y.py"),
    )
    for name in leftovers:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("not of the project")
    before = everything(folder)

    result = tutorial("new", "../my-search", "4", "--catch-up", root=root)
    assert result.returncode == 0, result.stderr
    check_same(folder, "4")
    assert (folder / "db.sqlite3").read_bytes() == database
    assert not (folder / "pages").exists(), "the folder pages/ still exists"
    assert (folder / ".venv" / "lib" / "x.py").exists()
    assert (folder / ".env").exists()
    assert (folder / "env" / "lib" / "y.py").exists()

    [aside] = (folder / ".before-catch-up").iterdir()
    assert f"../my-search/.before-catch-up/{aside.name}" in result.stdout
    found = everything(aside)
    assert kept.items() <= found.items()
    assert f"{len(found)} files" in result.stdout
    now = {**found, **everything(folder)}
    for name, content in before.items():
        if not name.endswith(".pyc"):
            assert content in (found.get(name), now.get(name)), name

    # A second catch-up has nothing to do.
    state = everything(folder)
    again = tutorial("new", "../my-search", "4", "--catch-up", root=root)
    assert again.returncode == 0
    assert "Nothing changed" in again.stdout
    assert everything(folder) == state


def test_each_catch_up_moves_files_to_a_new_folder(root, tmp_path):
    folder = make(tmp_path / "my-search", "1")
    for step in ("3", "2", "1"):
        tutorial("new", "../my-search", "--catch-up", step, root=root)
        check_same(folder, step)
    assert len(list((folder / ".before-catch-up").iterdir())) == 3


def test_a_database_with_different_migrations_is_set_aside(root, tmp_path):
    """The database has tables from step 4, and step 3 has no migrations for them."""
    folder = make(tmp_path / "my-search", "4")
    migrate(folder)
    with contextlib.closing(sqlite3.connect(folder / "db.sqlite3")) as connection:
        # While the database is open, its latest rows are in a second file.
        connection.execute(ADD_ADA)
        connection.commit()
        saved = {path.name: path.read_bytes() for path in folder.glob("db.sqlite3*")}
        assert "db.sqlite3-wal" in saved
        result = tutorial("new", "../my-search", "3", "--catch-up", root=root)
    assert "database" in result.stdout
    [aside] = (folder / ".before-catch-up").iterdir()
    assert (aside / "db.sqlite3").read_bytes() == saved["db.sqlite3"]
    assert not list(folder.glob("db.sqlite3*"))
    with contextlib.closing(sqlite3.connect(aside / "db.sqlite3")) as connection:
        assert connection.execute("SELECT username FROM auth_user").fetchall()


def test_a_database_with_different_columns_is_set_aside(root, tmp_path):
    """The migration has the same name as in the step, but creates other columns."""
    folder = make(tmp_path / "my-search", "4")
    migration = folder / "search" / "migrations" / "0001_initial.py"
    text = migration.read_text()
    assert '"answer"' in text
    migration.write_text(text.replace('"answer"', '"response"'))
    migrate(folder)
    tutorial("new", "../my-search", "4", "--catch-up", root=root)
    [aside] = (folder / ".before-catch-up").iterdir()
    assert (aside / "db.sqlite3").exists()
    assert not (folder / "db.sqlite3").exists()
    migrate(folder)


@pytest.mark.parametrize(("old", "new"), [("3", "4"), ("4", "7")])
def test_a_database_that_fits_the_step_is_kept(root, tmp_path, old, new):
    folder = make(tmp_path / "my-search", old)
    migrate(folder)
    with contextlib.closing(sqlite3.connect(folder / "db.sqlite3")) as connection:
        connection.execute(ADD_ADA)
        connection.commit()
    result = tutorial("new", "../my-search", new, "--catch-up", root=root)
    assert result.returncode == 0, result.stderr
    migrate(folder)
    with sqlite3.connect(folder / "db.sqlite3") as connection:
        assert connection.execute("SELECT username FROM auth_user").fetchall()
    connection.close()


def test_an_invalid_database_file_is_set_aside(root, tmp_path):
    folder = make(tmp_path / "my-search", "4")
    (folder / "db.sqlite3").write_text("no database at all " * 99)
    tutorial("new", "../my-search", "4", "--catch-up", root=root)
    [aside] = (folder / ".before-catch-up").iterdir()
    assert "no database" in (aside / "db.sqlite3").read_text()


def test_links_are_moved_and_never_followed(root, tmp_path):
    folder = make(tmp_path / "my-search", "2")
    elsewhere = tmp_path / "elsewhere"
    shutil.move(folder / "search", elsewhere)
    (folder / "search").symlink_to(elsewhere)
    precious = tmp_path / "precious.py"
    precious.write_text("precious")
    (folder / "config" / "urls.py").unlink()
    (folder / "config" / "urls.py").symlink_to(precious)
    (folder / "broken").symlink_to("nowhere")
    before = everything(elsewhere)
    tutorial("new", "../my-search", "3", "--catch-up", root=root)
    check_same(folder, "3")
    assert precious.read_text() == "precious"
    assert everything(elsewhere) == before
    [aside] = (folder / ".before-catch-up").iterdir()
    links = {path.name for path in aside.rglob("*") if path.is_symlink()}
    assert links == {"search", "urls.py", "broken"}


def test_catch_up_replaces_folders_with_files_and_files_with_folders(root, tmp_path):
    folder = make(tmp_path / "my-search", "2")
    (folder / "search" / "views.py").unlink()
    (folder / "search" / "views.py").mkdir()
    (folder / "search" / "views.py" / "search.py").write_text("mine")
    shutil.rmtree(folder / "config")
    (folder / "config").write_text("mine, too")
    tutorial("new", "../my-search", "2", "--catch-up", root=root)
    check_same(folder, "2")
    [aside] = (folder / ".before-catch-up").iterdir()
    assert everything(aside) == {
        "config": b"mine, too",
        "search/views.py/search.py": b"mine",
    }


def test_read_only_files_are_moved(root, tmp_path):
    folder = make(tmp_path / "my-search", "2")
    (folder / "search" / "views.py").write_text("mine")
    (folder / "search" / "views.py").chmod(0o444)
    tutorial("new", "../my-search", "2", "--catch-up", root=root)
    check_same(folder, "2")


def test_catch_up_needs_a_project(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    for name in (tmp_path, tmp_path / "nowhere"):
        result = tutorial("new", str(name), "3", "--catch-up")
        check_message(result, "holds no manage.py")
    assert everything(tmp_path) == {"thesis.tex": b"mine"}


def test_catch_up_needs_a_step(tmp_path):
    make(tmp_path, "1")
    check_message(tutorial("new", str(tmp_path), "--catch-up"), "Add the step")


def test_catch_up_is_refused_while_the_project_is_running(root, start, tmp_path):
    make(tmp_path / "my-search", "1")
    runner = start("../my-search")
    runner.wait_for("Ready in")
    result = tutorial("new", "../my-search", "2", "--catch-up", root=root)
    check_message(result, "../my-search is running")
    check_same(tmp_path / "my-search", "1")
