"""`tutorial check` explains what to do if a step or a folder is wrong or missing."""

import argparse
import shutil

import pytest

from tutorial.commands import check
from tutorial.commands.arguments import Commands
from tutorial.project import steps
from tutorial.repair_shop import kept
from tutorial.repair_shop.kept import Kept


@pytest.fixture
def said(capsys):
    """Return a function that runs `tutorial check WORDS`, and returns its message."""
    parser = argparse.ArgumentParser()
    check.add(Commands(parser.add_subparsers()))

    def run(*words: str) -> str:
        options = parser.parse_args(["check", *words])
        assert check.check(options) == check.CANNOT_CHECK
        return capsys.readouterr().err

    return run


@pytest.fixture
def folder(tmp_path):
    """Create a project in a folder that is not one of our steps."""
    return shutil.copytree(steps.find("1").folder, tmp_path / "my-search")


def test_a_mistyped_folder_is_reported(said, tmp_path):
    name = f"{tmp_path}/repiar"
    assert f'There is no step "{name}", and no such folder.' in said(name)
    assert "and no such folder." in said(name, "--explain")


def test_a_missing_step_is_reported_with_a_complete_command(said, folder):
    words = said(str(folder))
    assert "step" in words
    assert f"python3 -m tutorial check 7 {folder}" in words
    assert f"check 7 {folder} ../other" in said(str(folder), "../other")


def test_an_unknown_step_in_front_of_a_folder_is_reported(said, folder):
    assert 'There is no step "9". The steps are 1 to 7' in said("9", str(folder))


def test_a_folder_of_the_shop_cannot_be_checked_as_a_different_step(said, folder):
    state = Kept(step=7, seed=12)
    state.begin("no_worker")
    kept.write(folder, state)
    words = said("5", str(folder))
    assert "step 7" in words
    assert f"python3 -m tutorial check {folder}" in words
