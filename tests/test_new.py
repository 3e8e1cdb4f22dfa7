"""`tutorial new`, and a folder of one's own wherever a step may stand."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from runner import Runner
from test_commands import check_message, tutorial

from tutorial import catch_up, diff, procfile, project, steps
from tutorial.environment import ROOT
from tutorial.processes import wait_until
from tutorial.specifications.site import Site
from tutorial.specifications.visitor import Visitor


def make(folder: Path, step: str) -> Path:
    """A folder as `new` leaves it."""
    steps.copy(steps.find(step).folder, folder)
    return folder


def check_same(folder: Path, step: str) -> None:
    """The project is the step's, file by file."""
    assert not list(diff.compare(folder, steps.find(step).folder))


def everything(folder: Path) -> dict[str, bytes]:
    """All files below the folder, whatever they are, with their contents."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def here(monkeypatch, tmp_path):
    """The program in this process, with its state in a folder of the test."""
    monkeypatch.setattr(project, "RUN", tmp_path / "run")


@pytest.fixture
def start(root):
    """A function that starts `tutorial run` in the copy, and ends it at the end."""
    runners = []

    def start_one(*arguments, cwd: Path = root, **options) -> Runner:
        runners.append(Runner(cwd, *arguments, **options))
        return runners[-1]

    yield start_one
    for runner in runners:
        runner.child.kill()
        runner.child.wait()
        wait_until(
            lambda r=runner: not r.processes(), seconds=10, otherwise="left over"
        )


def page_of(runner: Runner, port: int | None = None) -> str:
    """The page that the runner serves, as text."""
    runner.wait_for("Ready in")
    port = port or runner.port
    assert f"http://127.0.0.1:{port} " in runner.output
    answer = Visitor(Site(f"http://127.0.0.1:{port}", "", "")).get()
    assert answer.status == 200
    return answer.page.text


# --- new ---


@pytest.mark.parametrize("step", ["1", "4", "final"])
def test_new_makes_the_end_of_a_step(step, tmp_path):
    folder = tmp_path / "not there yet" / "my-search"
    result = tutorial("new", str(folder), step)
    assert result.returncode == 0, result.stderr
    check_same(folder, step)
    assert steps.find(step).title in result.stdout


def test_new_without_a_step_is_step_1(tmp_path):
    folder = tmp_path / "my-search"
    assert tutorial("new", str(folder)).returncode == 0
    check_same(folder, "1")


def test_new_says_what_to_type_next(tmp_path, root):
    result = tutorial("new", "../my search/", "3", root=root)
    assert (tmp_path / "my search" / "manage.py").exists()
    for command in (
        "python3 -m tutorial run '../my search/' ",
        "python3 -m tutorial check 4 '../my search/' ",
        "python3 -m tutorial diff '../my search/' 4 ",
    ):
        assert command in result.stdout


def test_new_ignores_what_a_run_leaves(tmp_path):
    folder = tmp_path / "my-search"
    tutorial("new", str(folder), "4")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    for name in ("db.sqlite3", "search/__pycache__/a.pyc", ".before-catch-up/a/b.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    listed = git_lists(folder)
    assert "manage.py" in listed
    assert not {name for name in listed if "sqlite" in name or "a" in name.split("/")}
    assert not [name for name in listed if "__pycache__" in name or "before" in name]


def git_lists(folder: Path) -> set[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return set(result.stdout.splitlines())


def test_a_new_folder_in_the_repository_is_no_part_of_it(root):
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    before = git_lists(root)
    for name in ("my-search", "mine/step-3"):
        assert tutorial("new", name, "3", root=root).returncode == 0
    (root / "my-search" / "search" / "bad.py").write_text("import  os\n")
    assert git_lists(root) == before
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "."]
        result = subprocess.run(ruff, cwd=root, capture_output=True)
        assert b"my-search" not in result.stdout, result.stdout


@pytest.mark.parametrize("content", ["notes.txt", ".hidden"])
def test_new_overwrites_nothing(tmp_path, content):
    (tmp_path / content).write_text("mine")
    result = tutorial("new", str(tmp_path), "2")
    check_message(result, str(tmp_path), "nothing is overwritten")
    assert everything(tmp_path) == {content: b"mine"}


def test_new_leads_to_catch_up(tmp_path):
    make(tmp_path, "1")
    check_message(
        tutorial("new", str(tmp_path), "2"), f"new {tmp_path} 2 --catch-up", "step 2"
    )
    check_same(tmp_path, "1")


def test_new_takes_an_empty_folder(tmp_path):
    assert tutorial("new", str(tmp_path)).returncode == 0
    check_same(tmp_path, "1")


def test_new_in_the_place_of_a_file(tmp_path):
    (tmp_path / "file").write_text("mine")
    check_message(tutorial("new", str(tmp_path / "file")), "is a file")
    check_message(tutorial("new", str(tmp_path / "file" / "a")), "cannot be made")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    "place", ["steps/08_mine", "final", "tutorial/x", "tests/x", ".git/x", "docs", "."]
)
@pytest.mark.parametrize("option", [(), ("--catch-up",)])
def test_new_keeps_away_from_the_tutorial(place, option, root):
    before = everything(root / "final")
    check_message(tutorial("new", place, "2", *option, root=root), place)
    assert everything(root / "final") == before
    assert not (root / place / "manage.py").exists() or place == "final"


def test_a_link_into_the_tutorial_is_the_tutorial(root, tmp_path):
    (tmp_path / "link").symlink_to(root / "steps")
    result = tutorial("new", "../link/02_view", "4", "--catch-up", root=root)
    check_message(result, "belongs to the tutorial")


def test_new_inside_a_project_would_be_a_part_of_it(tmp_path):
    make(tmp_path, "1")
    result = tutorial("new", str(tmp_path / "search" / "mine"))
    check_message(result, "inside another Django project")


def test_a_step_in_the_place_of_the_folder():
    check_message(tutorial("new", "3"), "The folder comes first", "new DIR 3")


def test_new_with_a_step_that_is_none(tmp_path):
    folder = tmp_path / "my-search"
    check_message(tutorial("new", str(folder), "8"), 'There is no step "8"', "1 to 7")
    assert not folder.exists()


def test_new_where_there_is_no_name():
    check_message(tutorial("new", ""), "cannot be the name")


# --- catch-up ---


def test_catch_up_keeps_all_that_was_there(root, tmp_path):
    folder = make(tmp_path / "my-search", "2")
    migrate(folder)
    database = (folder / "db.sqlite3").read_bytes()
    (folder / "search" / "views.py").write_text("mine\n")  # changed
    (folder / "search" / "forms.py").unlink()  # deleted
    extras = ("pages/views.py", "pages/templates/pages/a.html", "notes.txt")
    for name in extras:  # extra
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
    assert not (folder / "pages").exists(), "an empty folder is left"
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

    # The second time, there is nothing to do.
    state = everything(folder)
    again = tutorial("new", "../my-search", "4", "--catch-up", root=root)
    assert again.returncode == 0
    assert "Nothing changed" in again.stdout
    assert everything(folder) == state


def migrate(folder: Path) -> None:
    project.Project(folder, 8000).migrate()


def test_two_catch_ups_keep_two_states(root, tmp_path):
    folder = make(tmp_path / "my-search", "1")
    for step in ("3", "2", "1"):
        tutorial("new", "../my-search", "--catch-up", step, root=root)
        check_same(folder, step)
    assert len(list((folder / ".before-catch-up").iterdir())) == 3


def test_a_database_with_other_migrations_is_kept_aside(root, tmp_path):
    """As of a later step: step 3 knows nothing of its tables."""
    folder = make(tmp_path / "my-search", "4")
    migrate(folder)
    database = everything(folder)["db.sqlite3"]
    result = tutorial("new", "../my-search", "3", "--catch-up", root=root)
    assert "database" in result.stdout
    [aside] = (folder / ".before-catch-up").iterdir()
    assert (aside / "db.sqlite3").read_bytes() == database
    assert not list(folder.glob("db.sqlite3*"))


def test_a_database_of_another_model_is_kept_aside(root, tmp_path):
    """The migration has the name that ours has, 0001_initial, and other columns."""
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


@pytest.mark.parametrize(("old", "new"), [("3", "4"), ("4", "7"), ("4", "4")])
def test_a_database_that_goes_on_stays(root, tmp_path, old, new):
    folder = make(tmp_path / "my-search", old)
    migrate(folder)
    with sqlite3.connect(folder / "db.sqlite3") as connection:
        connection.execute(
            "INSERT INTO auth_user (username, password, is_superuser, first_name,"
            " last_name, email, is_staff, is_active, date_joined)"
            " VALUES ('ada', '', 0, '', '', '', 0, 1, '2026-01-01')"
        )
    connection.close()
    result = tutorial("new", "../my-search", new, "--catch-up", root=root)
    assert result.returncode == 0, result.stderr
    migrate(folder)
    with sqlite3.connect(folder / "db.sqlite3") as connection:
        assert connection.execute("SELECT username FROM auth_user").fetchall()
    connection.close()


def test_a_database_that_is_none_is_kept_aside(root, tmp_path):
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


def test_folders_and_files_in_one_anothers_place(root, tmp_path):
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


def test_files_that_may_not_be_written_are_moved(root, tmp_path):
    folder = make(tmp_path / "my-search", "2")
    (folder / "search" / "views.py").write_text("mine")
    (folder / "search" / "views.py").chmod(0o444)
    tutorial("new", "../my-search", "2", "--catch-up", root=root)
    check_same(folder, "2")


def test_a_folder_that_may_not_be_changed(here, tmp_path, monkeypatch):
    folder = make(tmp_path / "my-search", "2")
    (folder / "search" / "views.py").write_text("mine")
    before = everything(folder)
    monkeypatch.setattr(os, "access", lambda path, mode: path.name != "search")
    with pytest.raises(catch_up.Problem, match="Nothing changed"):
        catch_up.catch_up(str(folder), steps.find("4"))
    assert everything(folder) == before


@pytest.mark.parametrize("call", [1, 2, 3, 9])
@pytest.mark.parametrize("function", ["copy", "move"])
def test_nothing_is_lost_in_the_middle(here, tmp_path, monkeypatch, function, call):
    folder = make(tmp_path / "my-search", "2")
    for path in steps.files(folder).values():
        path.write_text(f"my own {path.name}")
    before = everything(folder)
    calls, real = [], getattr(shutil, function)

    def fail(*arguments):
        calls.append(arguments)
        if len(calls) == call:
            raise OSError(28, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(shutil, function, fail)
    with pytest.raises(catch_up.Problem, match=r"Nothing is lost(.|\n)*again") as told:
        catch_up.catch_up(str(folder), steps.find("2"))
    assert len(str(told.value).splitlines()) <= 3
    assert set(before.values()) <= set(everything(folder).values())
    monkeypatch.setattr(shutil, function, real)
    catch_up.catch_up(str(folder), steps.find("2"))
    check_same(folder, "2")
    assert set(before.values()) <= set(everything(folder).values())


def test_catch_up_wants_a_project(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    for name in (tmp_path, tmp_path / "nowhere"):
        result = tutorial("new", str(name), "3", "--catch-up")
        check_message(result, "holds no manage.py")
    assert everything(tmp_path) == {"thesis.tex": b"mine"}


def test_catch_up_wants_to_know_the_step(tmp_path):
    make(tmp_path, "1")
    check_message(tutorial("new", str(tmp_path), "--catch-up"), "Say the step")


def test_catch_up_waits_for_the_end_of_a_run(root, start, tmp_path):
    make(tmp_path / "my-search", "1")
    runner = start("../my-search")
    runner.wait_for("Ready in")
    result = tutorial("new", "../my-search", "2", "--catch-up", root=root)
    check_message(result, "../my-search runs already")
    check_same(tmp_path / "my-search", "1")


# --- run ---


def test_new_and_run(root, start, tmp_path):
    assert tutorial("new", "../my search", "2", root=root).returncode == 0
    runner = start("../my search")
    assert "Offline" not in runner.output
    assert "Search" in page_of(runner)
    check_same(tmp_path / "my search", "2")
    assert "Starting ../my search" in runner.output
    assert "Redis" not in runner.output


def test_run_without_a_procfile_and_requirements(root, start, tmp_path):
    folder = make(tmp_path / "my-search", "7")
    (folder / "Procfile").unlink()
    (folder / "requirements.txt").unlink()
    runner = start(".", cwd=folder, PYTHONPATH=str(root))
    page_of(runner)
    assert "Starting my-search" in runner.output
    visitor = Visitor(Site(f"http://127.0.0.1:{runner.port}", "", ""))
    visitor.ask("What is a broker?")
    runner.wait_for("stage 4")
    wait_until(
        lambda: "A broker is the place" in visitor.get().page.text,
        seconds=20,
        otherwise="no answer on the page",
    )


def test_run_with_a_procfile_of_ones_own(start, tmp_path):
    """Other names, a worker that does not say that it is ready, comments."""
    folder = make(tmp_path / "my-search", "4")
    (folder / "Procfile").write_text(
        "# my processes\n\n"
        "django: python manage.py runserver $PORT\n"
        "celery: celery -A config worker --pool threads\n"
    )
    runner = start(str(folder))
    page_of(runner)
    Visitor(Site(f"http://127.0.0.1:{runner.port}", "", "")).ask("What is a worker?")
    runner.wait_for("stage 4")


def test_run_tells_the_port_that_a_procfile_insists_on(start, tmp_path):
    from tutorial.services import free_port

    port = free_port()
    folder = make(tmp_path / "my-search", "1")
    (folder / "Procfile").write_text(f"web: python manage.py runserver {port}\n")
    runner = start(str(folder))
    page_of(runner, port)
    assert f"{port}, not {runner.port}" in runner.output
    second = make(tmp_path / "second", "1")
    shutil.copy(folder / "Procfile", second / "Procfile")
    other = start(str(second))
    assert other.child.wait(timeout=30) == 1
    other.wait_for("Write ${PORT:-8000} in the Procfile")


def test_two_folders_of_one_name_share_nothing(root, start, tmp_path):
    """Not even with a step of that name."""
    runners = []
    for name in ("../a/03_queue", "../b/03_queue/"):
        make(root / name, "3")
        runners.append(start(name))
    runners.append(start("3"))
    for runner in runners:
        runner.wait_for("Ready in")
    Visitor(Site(f"http://127.0.0.1:{runners[1].port}", "", "")).ask("Where am I?")
    shown = [
        tutorial("manage", name, "show_queue", root=root).stdout
        for name in ("../a/03_queue", "../b/03_queue", "3")
    ]
    assert ["Where am I?" in text for text in shown] == [False, True, False]


def test_a_virtual_environment_of_ones_own_comes_first(tmp_path):
    for name in ("venv", ".venv"):
        programs = tmp_path / name / "bin"
        programs.mkdir(parents=True)
        (programs / "python").symlink_to(sys.executable)
        assert str(programs) not in project.Project(tmp_path, 1).environment["PATH"]
        packages = tmp_path / name / "lib" / "python3.11" / "site-packages"
        (packages / "django").mkdir(parents=True)
        path = project.Project(tmp_path, 1).environment["PATH"]
        assert path.split(os.pathsep)[0] == str(programs)


def test_steps_keep_the_folders_of_their_state():
    names = [project.state_folder(step.folder).name for step in steps.every()]
    assert names == [step.folder.name for step in steps.every()]


@pytest.mark.parametrize(
    "name",
    ["nowhere", "~nobody-at-all/x", "a" * 300, " "],
    ids=["none", "nobody's", "too long", "blank"],
)
def test_a_folder_that_is_none(name):
    check_message(tutorial("run", name), "1 to 7", "final", "manage.py")


def test_a_folder_without_a_project(tmp_path):
    check_message(
        tutorial("run", str(tmp_path)), str(tmp_path), "1 to 7, final", "no manage.py"
    )


def test_a_name_may_be_written_in_many_ways(tmp_path, monkeypatch):
    folder = make(tmp_path / "my search", "1")
    make(tmp_path / "3", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name, title in {
        "my search": "my search",
        "./my search//": "./my search",
        "~/my search": "~/my search",
        str(folder): str(folder),
    }.items():
        found = steps.find_project(name)
        assert (found.folder, found.title) == (folder, title)
    assert steps.find_project("3") == steps.find("3")
    assert steps.find_project("./3").folder == tmp_path / "3"
    monkeypatch.chdir(folder)
    assert steps.find_project(".").title == "my search"
    assert steps.find_project("../my search/").title == "../my search"
    assert steps.find_project(str(ROOT / "steps/03_queue")) == steps.find("3")


# --- what a project is made of ---


def test_the_usual_processes_are_those_of_our_procfiles(tmp_path):
    for step in steps.every():
        if step.number == 3:  # its worker is missing on purpose
            continue
        folder = make(tmp_path / step.name, step.name)
        (folder / "Procfile").unlink()
        assert procfile.processes(folder) == procfile.processes(step.folder), step


def write(folder: Path, **texts: str) -> Path:
    """A folder with files: `a__b` is a/b.py."""
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("texts", "app"),
    [
        ({"mysite__celery": "app = Celery('x')"}, "mysite"),
        ({"mysite__celery": "queue: Celery = celery.Celery('x')"}, "mysite"),
        ({"mysite__jobs": "app = Celery()"}, "mysite.jobs"),
        ({"jobs": "celery = Celery(\n 'x',\n)"}, "jobs"),
        ({"a__b__celery": "app = Celery()"}, "a.b"),
        ({"a__jobs": "x = Celery()", "config__celery": "app = Celery()"}, "config"),
        ({"config__celery": "app = Celery()", "s": "x = (", "t": "é"}, "config"),
        ({"config__celery": "def make():\n    app = Celery()"}, None),
        ({"config__celery": "# app = Celery()"}, None),
        ({"tests__test_it": "app = Celery()"}, None),
        ({"c": "app = Celery()", "s": "CELERY_TASK_ALWAYS_EAGER = True"}, None),
    ],
)
def test_the_worker_without_a_procfile(tmp_path, texts, app):
    command = procfile.processes(write(tmp_path, **texts)).get("worker")
    assert command == (procfile.WORKER.format(app) if app else None)


@pytest.mark.parametrize("name", ["config__celery", "config__jobs", "jobs"])
@pytest.mark.parametrize("variable", ["app", "celery_app", "mine"])
def test_celery_finds_the_app_that_is_named(tmp_path, name, variable):
    write(tmp_path, config____init__="")
    write(tmp_path, **{name: f"from celery import Celery\n{variable} = Celery('x')\n"})
    named = procfile.processes(tmp_path)["worker"].split()[2]
    code = f"from celery.app.utils import find_app; print(find_app({named!r}).main)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.stdout == "x\n", result.stderr


def test_a_procfile_with_whatever_is_in_procfiles(tmp_path):
    (tmp_path / "Procfile").write_bytes(
        b"\xef\xbb\xbf# web: no\r\n\r\n  django:   python manage.py runserver\r\n"
        b"celery-worker: celery -A x worker # mine\n"
    )
    assert procfile.processes(tmp_path) == {
        "django": "python manage.py runserver",
        "celery-worker": "celery -A x worker # mine",
    }
    roles = [procfile.role(*item) for item in procfile.processes(tmp_path).items()]
    assert roles == ["web", "worker"]


@pytest.mark.parametrize(
    ("command", "port"),
    [
        ("python manage.py runserver ${PORT:-8000}", None),
        ("python manage.py runserver 0.0.0.0:$PORT", None),
        ("python manage.py runserver", 8000),
        ("python manage.py runserver -v 2 --noreload", 8000),
        ("python manage.py runserver 9000 # mine", 9000),
        ("python manage.py runserver localhost:9000", 9000),
        ("python manage.py runserver [::]:9000", 9000),
        ("daphne config.asgi:application", 8000),
        ("daphne -p 9000 config.asgi:application", 9000),
        ("uvicorn --port=9000 config.asgi:application", 9000),
        ("gunicorn --bind 0.0.0.0:9000 config.wsgi", 9000),
        ("gunicorn config.wsgi", None),
        ("./serve", None),
    ],
)
def test_the_port_that_a_procfile_insists_on(tmp_path, command, port):
    (tmp_path / "Procfile").write_text(f"web: {command}\n")
    assert procfile.fixed_port(tmp_path) == port


@pytest.mark.parametrize(
    ("requirements", "code", "needs"),
    [
        ("Django\n", "", set()),
        ("redis\n", "", {"redis"}),
        ("Channels_Redis>=4,<5 ; python_version > '3'\n", "", {"redis"}),
        ("celery[redis]~=5.0\n", "", {"redis"}),
        ("celery  # with redis, later\n# openai\n", "import celery", set()),
        ("OpenAI @ file:///x\n", "", {"openai"}),
        ("-r base.txt\ngit+ssh://redis\n", "", set()),
        ("Django==5.2\n", "from openai import OpenAI", {"openai"}),
        ("Django==5.2\n", "REDIS_URL = 'redis://127.0.0.1'", {"redis"}),
        (None, "import celery", {"redis"}),
        (None, "from channels_redis.core import X\nimport openai", {"redis", "openai"}),
        (None, "# import redis\nimport django", set()),
    ],
)
def test_the_services_that_a_project_needs(tmp_path, requirements, code, needs):
    if requirements is not None:
        (tmp_path / "requirements.txt").write_text(requirements)
    write(tmp_path, config__settings=code)
    assert procfile.needs(tmp_path) == needs


def test_the_services_of_the_steps():
    needs = [procfile.needs(step.folder) for step in steps.every()]
    both = {"redis", "openai"}
    assert needs == [set(), set(), {"redis"}, both, both, both, both, both]


# --- diff ---


def test_diff_tells_what_is_missing(root, tmp_path):
    folder = make(tmp_path / "my-search", "3")
    (folder / "requirements.txt").write_text("Django\ncelery\nredis\n")
    (folder / "logo.png").write_bytes(b"\x89PNG\0\x1b[31m")
    (folder / "Procfile").unlink()
    result = tutorial("diff", "../my-search/", "4", root=root)
    assert result.returncode == 0, result.stderr
    first, *rest = result.stdout.splitlines()
    assert first == "../my-search -> steps/04_worker: what is missing"
    assert "search/models.py (missing)" in rest
    assert "search/tasks.py (differs)" in rest
    assert "logo.png (yours alone)" in rest
    assert "New package: openai 3.54.0" in rest
    assert "New package: celery" not in result.stdout
    assert "\x1b" not in result.stdout
    assert ".gitignore" not in result.stdout
    assert "to add" in rest[-1]


def test_diff_the_other_way_round(root, tmp_path):
    folder = make(tmp_path / "my-search", "4")
    (folder / "notes.txt").write_text("mine\n")
    result = tutorial("diff", "4", "../my-search", "--stat", root=root)
    assert "steps/04_worker -> ../my-search: what you have changed" in result.stdout
    assert "notes.txt  +1    -0    new file" in result.stdout


def test_diff_says_when_nothing_is_missing(root, tmp_path):
    tutorial("new", "../my-search", "4", root=root)
    result = tutorial("diff", "../my-search", "4", root=root)
    assert "Nothing is missing: ../my-search is as steps/04_worker" in result.stdout
    (tmp_path / "my-search" / "notes.txt").write_text("mine\n")
    result = tutorial("diff", "../my-search", "4", "--stat", root=root)
    assert "No line of steps/04_worker is missing" in result.stdout
    (tmp_path / "my-search" / "config" / "urls.py").unlink()
    result = tutorial("diff", "../my-search", "4", "--stat", root=root)
    assert "No line" not in result.stdout


def test_diff_of_what_may_not_be_read(tmp_path, monkeypatch):
    make(tmp_path, "1")

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(diff.Problem, match="cannot be read"):
        list(diff.compare(tmp_path, steps.find("1").folder))


# --- manage ---


def test_manage_takes_a_folder(root, tmp_path):
    make(tmp_path / "my-search", "1")
    result = tutorial("manage", "../my-search/", "check", root=root)
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout
