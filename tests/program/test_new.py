"""`tutorial new` makes a learner's folder with the project at the end of a step."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from support.folders import check_same, everything, make
from support.program import check_message, tutorial
from tutorial.problem import Problem
from tutorial.project import steps
from tutorial.workspace import new


@pytest.mark.parametrize("step", ["1", "4", "final"])
def test_new_makes_the_project_at_the_end_of_a_step(step, tmp_path):
    folder = tmp_path / "not there yet" / "my-search"
    result = tutorial("new", str(folder), step)
    assert result.returncode == 0, result.stderr
    check_same(folder, step)
    assert steps.find(step).title in result.stdout


def test_new_without_a_step_makes_step_1(tmp_path):
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


def test_git_ignores_files_that_a_run_leaves_in_a_new_folder(tmp_path):
    folder = tmp_path / "my-search"
    tutorial("new", str(folder), "4")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    left = ("db.sqlite3", "search/__pycache__/a.pyc", ".before-catch-up/a/b.py", ".env")
    for name in left:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    listed = git_lists(folder)
    assert "manage.py" in listed
    assert not listed & set(left)


def git_lists(folder: Path) -> set[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return set(result.stdout.splitlines())


def test_git_and_ruff_ignore_a_new_folder_in_the_repository(root):
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
    check_message(result, str(tmp_path), "no files were written")
    assert everything(tmp_path) == {content: b"mine"}


def test_new_suggests_catch_up_for_a_folder_with_a_project(tmp_path):
    make(tmp_path, "1")
    check_message(
        tutorial("new", str(tmp_path), "2"), f"new {tmp_path} 2 --catch-up", "step 2"
    )
    check_same(tmp_path, "1")


def test_new_accepts_an_empty_folder(tmp_path):
    assert tutorial("new", str(tmp_path)).returncode == 0
    check_same(tmp_path, "1")


def test_new_refuses_a_file_and_a_path_below_a_file(tmp_path):
    (tmp_path / "file").write_text("mine")
    check_message(tutorial("new", str(tmp_path / "file")), "is a file")
    check_message(tutorial("new", str(tmp_path / "file" / "a")), "cannot be made")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    "place", ["steps/08_mine", "final", "tutorial/x", "tests/x", ".git/x", "docs", "."]
)
@pytest.mark.parametrize("option", [(), ("--catch-up",)])
def test_new_changes_nothing_in_the_tutorial(place, option, unchanged_root):
    root = unchanged_root
    before = everything(root / "final")
    check_message(tutorial("new", place, "2", *option, root=root), place)
    assert everything(root / "final") == before
    assert not (root / place / "manage.py").exists() or place == "final"


def test_new_refuses_a_link_to_a_folder_of_the_tutorial(root, tmp_path):
    (tmp_path / "link").symlink_to(root / "steps")
    result = tutorial("new", "../link/02_view", "4", "--catch-up", root=root)
    check_message(result, "belongs to the tutorial")


def test_new_inside_another_project_is_refused(tmp_path):
    make(tmp_path, "1")
    result = tutorial("new", str(tmp_path / "search" / "mine"))
    check_message(result, "inside another Django project")


def test_new_says_that_the_folder_comes_before_the_step():
    check_message(tutorial("new", "3"), "The folder comes first", "new DIR 3")


def test_new_reports_an_unknown_step(tmp_path):
    folder = tmp_path / "my-search"
    check_message(tutorial("new", str(folder), "8"), 'There is no step "8"', "1 to 7")
    assert not folder.exists()


def test_new_refuses_an_empty_name():
    check_message(tutorial("new", ""), "cannot be the name")


@pytest.mark.parametrize("is_there", [True, False])
def test_new_leaves_nothing_behind_if_it_fails_half_way(
    is_there, tmp_path, monkeypatch
):
    folder = tmp_path / "there" / "my-search"
    if is_there:
        folder.mkdir(parents=True)

    def copy_a_part(source: Path, target: Path) -> None:
        (target / "search").mkdir()
        (target / "search" / "views.py").write_text("import")
        raise OSError(errno.ENOSPC, "No space left on device", "views.py")

    monkeypatch.setattr(new, "copy_project", copy_a_part)
    with pytest.raises(Problem, match="cannot be made: No space left"):
        new.make(str(folder), steps.find("3"))
    assert folder.exists() == is_there
    assert not is_there or not list(folder.iterdir())
    assert (tmp_path / "there").exists() == is_there
