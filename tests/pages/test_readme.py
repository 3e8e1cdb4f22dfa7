"""The README is correct: its commands, its steps, its links, and its picture."""

import re

import pytest

from support.program import tutorial
from tutorial.live_map import flow_drawing
from tutorial.paths import ROOT
from tutorial.project import steps

README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"python3 -m tutorial (\w+)", README)


def test_the_two_commands_come_first():
    assert COMMANDS[:2] == ["run", "test"]


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_its_commands_exist(command):
    result = tutorial(command, "--help")
    assert result.returncode == 0, result.stderr
    assert f"tutorial {command}" in result.stdout


@pytest.mark.parametrize("page", ["README.md", "docs/flow.md", "docs/glossary.md"])
def test_its_links_lead_somewhere(page):
    text = (ROOT / page).read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(
        r'src(?:set)?="([^"]+)"', text
    )
    for link in links:
        assert ((ROOT / page).parent / link).exists(), link


def test_the_folders_that_it_enters_exist():
    folders = re.findall(r"^ +cd (\S+)$", README, re.M)
    assert folders
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def test_its_table_has_every_step():
    rows = re.findall(r"^\| \[(\S+)(?: (\S+))?\]\((\S+)\)", README, re.M)
    expected = [(s.name, s.stage, s.title) for s in steps.every()]
    assert rows == expected


def test_the_picture_of_the_flow_is_up_to_date():
    drawn = (ROOT / "docs" / "images" / "flow.svg").read_text()
    assert drawn == flow_drawing.draw(), "run python3 -m tutorial pictures"
