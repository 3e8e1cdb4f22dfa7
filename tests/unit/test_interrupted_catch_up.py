"""`tutorial new --catch-up` loses nothing if it cannot finish."""

import os
import shutil

import pytest

from support.folders import check_same, everything, make
from tutorial.problem import Problem
from tutorial.project import steps
from tutorial.project.files import files
from tutorial.runtime import project
from tutorial.workspace import catch_up


@pytest.fixture(autouse=True)
def state_elsewhere(monkeypatch, tmp_path):
    """Store the state of projects in a folder of the test."""
    monkeypatch.setattr(project, "RUN", tmp_path / "run")


def test_a_folder_that_cannot_be_changed_stays_as_it_is(tmp_path, monkeypatch):
    folder = make(tmp_path / "my-search", "2")
    (folder / "search" / "views.py").write_text("mine")
    before = everything(folder)
    monkeypatch.setattr(os, "access", lambda path, mode: path.name != "search")
    with pytest.raises(Problem, match="Nothing changed"):
        catch_up.catch_up(str(folder), steps.find("4"))
    assert everything(folder) == before


@pytest.mark.parametrize("call", [1, 2, 3, 9])
@pytest.mark.parametrize("function", ["copy", "move"])
def test_an_interruption_loses_nothing(tmp_path, monkeypatch, function, call):
    folder = make(tmp_path / "my-search", "2")
    for path in files(folder).values():
        path.write_text(f"my own {path.name}")
    before = everything(folder)
    calls, real = [], getattr(shutil, function)

    def fail(*arguments):
        calls.append(arguments)
        if len(calls) == call:
            raise OSError(28, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(shutil, function, fail)
    with pytest.raises(Problem, match=r"Nothing is lost(.|\n)*again") as told:
        catch_up.catch_up(str(folder), steps.find("2"))
    assert len(str(told.value).splitlines()) <= 3
    assert set(before.values()) <= set(everything(folder).values())
    monkeypatch.setattr(shutil, function, real)
    catch_up.catch_up(str(folder), steps.find("2"))
    check_same(folder, "2")
    assert set(before.values()) <= set(everything(folder).values())
