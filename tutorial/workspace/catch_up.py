"""`tutorial new DIR N --catch-up`: brings a learner's folder to the end of step N.

Files that the step does not have, or that are different in the step, are moved, but
never deleted. They go to a new folder inside the learner's folder. The name of this new
folder is the current time.
"""

import os
import shutil
import sqlite3
import tempfile
from datetime import datetime
from pathlib import Path

from tutorial.problem import Problem
from tutorial.project.files import KEPT_ASIDE, copy_project, entries, files, is_part
from tutorial.project.steps import Step
from tutorial.runtime import environment
from tutorial.runtime.project import Project, alone
from tutorial.workspace.new import called, command, place

DATABASE = "db.sqlite3"

# The suffixes of the files that SQLite keeps next to a database file.
BESIDE_A_DATABASE = ("-wal", "-shm", "-journal")

# Django's own apps: their migrations do not depend on the project.
DJANGO = frozenset("admin auth contenttypes flatpages redirects sessions sites".split())


def catch_up(name: str, step: Step) -> None:
    """Make the project in the folder `name` equal to the project in `step`.

    Raises Problem if the folder holds no project, if the project is running, or if its
    files cannot be moved.
    """
    folder = place(name)
    title = name.rstrip("/")
    try:
        # If an earlier attempt was interrupted, manage.py may have been moved aside.
        signs = (folder / "manage.py", folder / KEPT_ASIDE)
        if not any(sign.exists() for sign in signs):
            raise Problem(
                f"{name} holds no manage.py, so there is no project to catch up.\n"
                f"For a new folder: {command('new', name, step.name)}"
            )
        with alone(folder, title):
            _catch_up(folder, title, step)
    except OSError as error:
        raise Problem(
            f"{name} is not at the end of {called(step)}: {error}.\n"
            f"Nothing is lost: moved files are in {title}/{KEPT_ASIDE}.\n"
            "Fix the error, then run the same command again."
        ) from error


def _catch_up(folder: Path, title: str, step: Step) -> None:
    wanted = files(step.folder)
    present = _present(folder, wanted)
    right = {name for name in present & wanted.keys() if _same(folder, step, name)}
    going, coming = sorted(present - right), sorted(wanted.keys() - right)
    has_database = (folder / DATABASE).is_file()
    odd_database = has_database and not _fits(folder / DATABASE, step)
    if not (going or coming or odd_database):
        print(f"{title} is already at the end of {called(step)}. Nothing changed.")
        return
    _check_writable(folder, [*going, *coming])
    if going or odd_database:
        aside = make_aside(folder)
        what = [_count(going)] * bool(going)
        what += ["the database, which has different migrations"] * odd_database
        print(f"Moved to {title}/{aside.relative_to(folder)}: {', and '.join(what)}")
        for path in [*going, *[DATABASE] * odd_database]:
            move_aside(folder, path, aside)
        remove_empty_folders(folder, wanted)
    for path in coming:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(wanted[path], folder / path)
    print(f"{title} is now at the end of {called(step)}: {_count(coming)} written.")
    if has_database and not odd_database:
        print("Your database is unchanged.")


def _present(folder: Path, wanted: dict[str, Path]) -> set[str]:
    """Return the paths of the project's files and links in `folder`.

    If `wanted` has a file where `folder` has a folder, the result contains the path of
    that folder, but no path inside it.
    """
    in_the_way = {name for name in wanted if (folder / name).is_dir()}
    present = set(in_the_way)
    for path in entries(folder):
        name = path.relative_to(folder)
        if not in_the_way & {parent.as_posix() for parent in name.parents}:
            present.add(name.as_posix())
    return present


def _same(folder: Path, step: Step, name: str) -> bool:
    ours = folder / name
    return ours.is_file() and ours.read_bytes() == (step.folder / name).read_bytes()


def _count(names: list[str]) -> str:
    return f"{len(names)} file{'s' * (len(names) != 1)}"


def _check_writable(folder: Path, names: list[str]) -> None:
    """Raise Problem if one of the folders to be changed is not writable."""
    for path in [folder / KEPT_ASIDE, *(folder / name for name in names)]:
        around = next(parent for parent in path.parents if parent.is_dir())
        if not os.access(around, os.W_OK | os.X_OK):
            raise Problem(
                f"You do not have permission to change the files in {around}. Nothing"
                " changed."
            )


def make_aside(folder: Path, name: str = KEPT_ASIDE) -> Path:
    """Create a new folder for the files to be moved, and return its path.

    The path is `folder / name / TIME`, where TIME is the current date and time. Raises
    OSError if the folder cannot be created.
    """
    stamp = f"{datetime.now():%Y-%m-%dT%H-%M-%S}"
    (folder / name).mkdir(exist_ok=True)
    for number in range(1, 1000):
        aside = folder / name / (f"{stamp}-{number}" if number > 1 else stamp)
        try:
            aside.mkdir()
        except FileExistsError:
            continue
        return aside
    raise FileExistsError(f"{aside} exists already")


def move_aside(folder: Path, name: str, aside: Path) -> None:
    """Move a file or a link to the folder `aside`.

    The files that SQLite keeps next to a database are moved with it. Raises OSError if
    that fails.
    """
    for suffix in ("", *BESIDE_A_DATABASE):
        source, target = folder / (name + suffix), aside / (name + suffix)
        if source.exists() or source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source, target)


def remove_empty_folders(folder: Path, wanted: dict[str, Path]) -> None:
    """Remove empty folders that the step does not have.

    A folder that contains only __pycache__ counts as empty.
    """
    kept = {folder / parent for name in wanted for parent in Path(name).parents}
    found = []
    for root, folders, _ in os.walk(folder):
        folders[:] = [name for name in folders if is_part(Path(root) / name)]
        found += [Path(root) / name for name in folders]
    for inner in reversed(found):  # inner folders before the outer ones
        left = {path.name for path in inner.iterdir()}
        if inner not in kept and left <= {"__pycache__"}:
            shutil.rmtree(inner)


def _fits(database: Path, step: Step) -> bool:
    """Whether the step's migrations give this database the tables of the step.

    The function migrates a copy to find out. Comparing the names of migrations is not
    enough: a learner's migration of the same name may have created other tables.
    """
    environment.ensure("run")
    with tempfile.TemporaryDirectory() as temporary:
        fresh, tried = Path(temporary) / "fresh", Path(temporary) / "tried"
        copy_project(step.folder, fresh)
        copy_project(step.folder, tried)
        for suffix in ("", *BESIDE_A_DATABASE):
            source = database.with_name(DATABASE + suffix)
            if source.is_file():
                shutil.copyfile(source, tried / source.name)
        try:
            if not _applied(tried / DATABASE) <= _migrations(step):
                return False
            _migrate(fresh)
            try:
                _migrate(tried)
            except Problem:
                return False
            return _tables(fresh).items() <= _tables(tried).items()
        except sqlite3.Error:
            return False


def _migrate(folder: Path) -> None:
    project = Project(folder, 8000)
    project.environment.pop("DATABASE_URL", None)  # use the SQLite file in `folder`
    project.migrate()


def _migrations(step: Step) -> set[tuple[str, str]]:
    """Return the step's own migrations as pairs (app, name)."""
    paths = (Path(name) for name in files(step.folder))
    return {
        (path.parent.parent.name, path.stem)
        for path in paths
        if path.parent.name == "migrations" and path.suffix == ".py"
    }


def _applied(database: Path) -> set[tuple[str, str]]:
    """Return the applied migrations as (app, name), without Django's own apps."""
    connection = sqlite3.connect(database)
    try:
        tables = "SELECT 1 FROM sqlite_master WHERE name = 'django_migrations'"
        if not connection.execute(tables).fetchone():
            return set()
        rows = connection.execute("SELECT app, name FROM django_migrations")
        return {(app, name) for app, name in rows if app not in DJANGO}
    finally:
        connection.close()


def _tables(folder: Path) -> dict[str, frozenset]:
    """Return the columns of each table in the project's database: (name, type, ...)."""
    connection = sqlite3.connect(folder / DATABASE)
    try:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        )
        columns = 'SELECT name, type, "notnull", pk FROM pragma_table_info(?)'
        return {
            name: frozenset(connection.execute(columns, (name,)))
            for (name,) in names.fetchall()
        }
    finally:
        connection.close()
