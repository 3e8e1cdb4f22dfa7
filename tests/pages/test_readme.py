"""Check the commands, the steps, the links and the picture of the README."""

import re

import pytest

from support.program import tutorial
from tutorial.live_map import flow_drawing
from tutorial.paths import ROOT
from tutorial.project import steps

README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"python3 -m tutorial (\w+)", README)


def test_the_readme_begins_with_its_two_main_commands():
    assert COMMANDS[:2] == ["run", "test"]


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_each_command_in_the_readme_exists(command):
    result = tutorial(command, "--help")
    assert result.returncode == 0, result.stderr
    assert f"tutorial {command}" in result.stdout


@pytest.mark.parametrize("page", ["README.md", "docs/flow.md", "docs/glossary.md"])
def test_each_link_to_a_path_leads_to_an_existing_path(page):
    text = (ROOT / page).read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(
        r'src(?:set)?="([^"]+)"', text
    )
    for link in links:
        assert ((ROOT / page).parent / link).exists(), link


def test_each_folder_in_a_cd_command_exists():
    folders = re.findall(r"^ +cd (\S+)$", README, re.M)
    assert folders
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def test_the_table_of_steps_has_every_step():
    rows = re.findall(r"^\| \[(\S+)(?: (\S+))?\]\((\S+)\)", README, re.M)
    expected = [(s.name, s.stage, s.title) for s in steps.every()]
    assert rows == expected


def test_the_picture_of_the_flow_is_up_to_date():
    drawn = (ROOT / "docs" / "images" / "flow.svg").read_text()
    assert drawn == flow_drawing.draw(), "run python3 -m tutorial pictures"
