"""`run`, `diff` and `manage` accept a learner's folder in place of a step."""

import re
import shutil

import pytest

from support.folders import check_same, make
from support.program import check_message, tutorial
from support.runner import Runner
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.waiting import wait_until
from tutorial.visitor.site import Site
from tutorial.visitor.visitor import Visitor


def page_of(runner: Runner, port: int | None = None) -> str:
    """Wait until the runner is ready, and return the text of its page."""
    runner.wait_for("Ready in")
    port = port or runner.port
    assert f"http://127.0.0.1:{port} " in runner.output
    answer = Visitor(Site(f"http://127.0.0.1:{port}", "", "")).get()
    assert answer.status == 200
    return answer.page.text


def test_run_starts_a_project_made_by_the_command_new(root, start, tmp_path):
    assert tutorial("new", "../my search", "2", root=root).returncode == 0
    runner = start("../my search")
    assert "Offline" not in runner.output
    assert "Search" in page_of(runner)
    check_same(tmp_path / "my search", "2")
    assert "Starting ../my search" in runner.output
    assert "Redis" not in runner.output


def test_run_needs_neither_a_procfile_nor_requirements(root, start, tmp_path):
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


def test_run_starts_the_processes_of_a_custom_procfile(start, tmp_path):
    """The Procfile has a comment and unusual names. Its worker prints no "ready"."""
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


def test_run_prints_the_port_that_the_procfile_sets(start, tmp_path):
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


def test_two_folders_with_the_same_name_share_nothing(root, start):
    """A learner's folder that has the name of a step does not use the step's Redis."""
    names = ("../mine/03_queue", "3")
    make(root / names[0], "3")
    runners = [start(name) for name in names]
    for runner in runners:
        runner.wait_for("Ready in")
    Visitor(Site(f"http://127.0.0.1:{runners[0].port}", "", "")).ask("Where am I?")
    shown = [tutorial("manage", name, "show_queue", root=root).stdout for name in names]
    assert ["Where am I?" in text for text in shown] == [True, False]


@pytest.mark.parametrize(
    "name",
    ["nowhere", "~nobody-at-all/x", "a" * 300, " "],
    ids=["none", "nobody's", "too long", "blank"],
)
def test_a_name_that_is_not_a_folder_is_reported(name):
    check_message(tutorial("run", name), "1 to 7", "final", "manage.py")


def test_a_folder_without_a_project_is_reported(tmp_path):
    check_message(
        tutorial("run", str(tmp_path)), str(tmp_path), "1 to 7, final", "no manage.py"
    )


def test_diff_shows_what_is_missing(root, tmp_path):
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
    assert "logo.png (only in your folder)" in rest
    assert "New package: openai 3.54.0" in rest
    assert "New package: celery" not in result.stdout
    assert "\x1b" not in result.stdout
    assert ".gitignore" not in result.stdout
    assert "to add" in rest[-1]


def test_diff_from_a_step_shows_what_the_learner_has_changed(root, tmp_path):
    folder = make(tmp_path / "my-search", "4")
    (folder / "notes.txt").write_text("mine\n")
    result = tutorial("diff", "4", "../my-search", "--stat", root=root)
    assert "steps/04_worker -> ../my-search: what you have changed" in result.stdout
    assert "notes.txt  +1    -0    new file" in result.stdout


def test_diff_reports_that_nothing_is_missing(root, tmp_path):
    tutorial("new", "../my-search", "4", root=root)
    result = tutorial("diff", "../my-search", "4", root=root)
    assert "Nothing is missing: the files of ../my-search and steps/04" in result.stdout
    (tmp_path / "my-search" / "notes.txt").write_text("mine\n")
    result = tutorial("diff", "../my-search", "4", "--stat", root=root)
    assert "No line of steps/04_worker is missing" in result.stdout
    (tmp_path / "my-search" / "config" / "urls.py").unlink()
    result = tutorial("diff", "../my-search", "4", "--stat", root=root)
    assert "No line" not in result.stdout


def test_diff_ignores_blank_lines_and_the_format_of_a_migration(root, tmp_path):
    tutorial("new", "../my-search", "4", root=root)
    migration = tmp_path / "my-search" / "search" / "migrations" / "0001_initial.py"
    text = (
        migration.read_text()
        .replace('"', "'")
        .replace("\n    initial", "\n\n    initial")
    )
    migration.write_text(re.sub(r"Generated by .*", "Generated today", text))
    views = tmp_path / "my-search" / "search" / "views.py"
    views.write_text(views.read_text().replace("\n\n\n", "\n"))
    result = tutorial("diff", "../my-search", "4", root=root)
    assert "Nothing is missing" in result.stdout, result.stdout
    # The migration differs only in its format, so `diff` prints no "Migrate".
    template = tmp_path / "my-search/search/templates/search/openai_index.html"
    template.write_text(template.read_text().replace("{% csrf_token %}", ""))
    result = tutorial("diff", "../my-search", "4", root=root)
    assert "csrf_token" in result.stdout
    assert "Migrate" not in result.stdout, result.stdout
    assert "Restart" not in result.stdout, result.stdout
    migration.write_text(
        migration.read_text().replace("max_length=200", "max_length=20")
    )
    result = tutorial("diff", "../my-search", "4", root=root)
    assert "max_length=20)" in result.stdout
    assert "Migrate: " in result.stdout


def test_manage_accepts_a_folder(root, tmp_path):
    make(tmp_path / "my-search", "1")
    result = tutorial("manage", "../my-search/", "check", root=root)
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout
