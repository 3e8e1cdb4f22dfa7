"""`tutorial new DIR 0` makes an empty folder, in which a learner types step 1."""

from pathlib import Path

import pytest

from support.program import check_message, tutorial
from tutorial.project import difference, steps
from tutorial.workspace import new


def inside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("zero", ["0", "00"])
def test_the_new_folder_contains_only_a_gitignore(zero, root, tmp_path):
    result = tutorial("new", "../my-search", zero, root=root)
    assert result.returncode == 0, result.stderr
    assert inside(tmp_path / "my-search") == [".gitignore"]
    assert (tmp_path / "my-search" / ".gitignore").read_text() == new.GITIGNORE
    assert "step 1 (steps/01_template)" in result.stdout
    for command in ("docs ", "run ../my-search ", "check 1 ../my-search "):
        assert f"    python3 -m tutorial {command}" in result.stdout


def test_new_without_a_number_makes_step_1(root, tmp_path):
    assert tutorial("new", "../my-search", root=root).returncode == 0
    assert not list(difference.compare(tmp_path / "my-search", steps.find("1").folder))


def test_git_ignores_an_empty_folder_in_the_repository(root):
    assert tutorial("new", "my-search", "0", root=root).returncode == 0
    assert (root / "my-search" / ".gitignore").read_text() == new.GITIGNORE_INSIDE


def test_an_empty_folder_can_be_filled_with_a_step_later(root, tmp_path):
    for step in ("0", "0", "2"):
        result = tutorial("new", "../my-search", step, root=root)
        assert result.returncode == 0, result.stderr
    assert not list(difference.compare(tmp_path / "my-search", steps.find("2").folder))


@pytest.mark.parametrize("content", ["manage.py", "notes.txt", ".gitignore"])
def test_an_existing_file_is_not_overwritten(content, tmp_path):
    (tmp_path / content).write_bytes(b"mine \xff")
    check_message(tutorial("new", str(tmp_path), "0"), "no files were written")
    assert inside(tmp_path) == [content]
    assert (tmp_path / content).read_bytes() == b"mine \xff"


def test_catching_up_to_step_0_is_refused(tmp_path):
    (tmp_path / "manage.py").write_text("mine")
    for words in (("0", "--catch-up"), ("--catch-up", "0")):
        check_message(tutorial("new", str(tmp_path), *words), "step 1", "new DIR 0")
    assert inside(tmp_path) == ["manage.py"]


def test_a_step_without_a_folder_is_reported(root):
    check_message(tutorial("new", "0", root=root), "folder comes first", "new DIR 0")
    assert not (root / "0").exists()


def test_the_help_mentions_step_0():
    assert "0 to start with an empty folder" in tutorial("new", "-h").stdout
