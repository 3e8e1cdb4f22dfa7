"""A project in a folder is found by its name, and can be compared with a step."""

import os
import sys
from pathlib import Path

import pytest

from support.folders import make
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project import difference, steps
from tutorial.runtime import project


def test_a_project_is_found_by_any_path_to_its_folder(tmp_path, monkeypatch):
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


def test_the_projects_own_environment_comes_first_if_it_contains_django(tmp_path):
    for name in ("venv", ".venv"):
        programs = tmp_path / name / "bin"
        programs.mkdir(parents=True)
        (programs / "python").symlink_to(sys.executable)
        assert str(programs) not in project.Project(tmp_path, 1).environment["PATH"]
        packages = tmp_path / name / "lib" / "python3.11" / "site-packages"
        (packages / "django").mkdir(parents=True)
        path = project.Project(tmp_path, 1).environment["PATH"]
        assert path.split(os.pathsep)[0] == str(programs)


def test_the_state_folder_of_a_step_has_the_name_of_its_folder():
    names = [project.state_folder(step.folder).name for step in steps.every()]
    assert names == [step.folder.name for step in steps.every()]


def test_folders_with_the_same_name_have_separate_states(tmp_path):
    folders = [tmp_path / "a" / "03_queue", tmp_path / "b" / "03_queue"]
    states = {project.state_folder(folder) for folder in folders}
    assert len(states | {project.state_folder(steps.find("3").folder)}) == 3


def test_diff_reports_an_unreadable_file(tmp_path, monkeypatch):
    make(tmp_path, "1")

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(Problem, match="cannot be read"):
        list(difference.compare(tmp_path, steps.find("1").folder))


def test_diff_does_not_show_generated_files(tmp_path):
    for name in (
        "db.sqlite3",
        "db.sqlite3-wal",
        "__pycache__/a.pyc",
        "django.log",
        ".env",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0")
    (tmp_path / "views.py").write_text("x = 1\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert [change.path for change in difference.compare(empty, tmp_path)] == [
        "views.py"
    ]
