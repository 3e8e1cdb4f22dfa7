"""Each mistake of the repair shop causes the symptom that `shop.toml` describes.

The mistake's entry in `shop.toml` also names the tools that show the mistake. These
tests run all processes of each project, visit it in a browser, and compare the result
with the entry. For each mistake, `other_ways.toml` or the advice of `check` contains a
fix that differs from ours.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support import shop
from support.checking import named
from support.shop_tools import shown
from tutorial.paths import ROOT
from tutorial.project import steps
from tutorial.project.files import files
from tutorial.repair_shop.catalogue import Entry, entries, level_of, playable_steps
from tutorial.repair_shop.patch import WAYS, broken

ADVICE = ROOT / "tests" / "faults" / "advice"
OTHER_WAYS = tomllib.loads(Path(__file__).with_name("other_ways.toml").read_text())

EACH = [
    pytest.param(entry, number, id=f"{entry.name}-{number}")
    for entry in entries().values()
    for number in entry.steps
]
AT_STEP_7 = [entry for entry in entries().values() if 7 in entry.steps]


@cache
def healthy(number: int, browser: Browser) -> shop.Seen:
    """Return what a visitor sees in the unchanged step."""
    return shop.visit(steps.find(str(number)).folder, number, browser)


@pytest.fixture
def make(tmp_path):
    """Return a function (entry, number) that makes step `number` with the mistake."""

    def make_one(entry: Entry, number: int) -> Path:
        with broken(entry.patch, steps.find(str(number))) as made:
            return Path(shutil.copytree(made, tmp_path / "project"))

    return make_one


@pytest.mark.lab
@pytest.mark.slow(15)
@pytest.mark.parametrize("number", playable_steps())
def test_a_visitor_of_a_healthy_step_sees_nothing_wrong(number, chromium):
    seen = healthy(number, chromium)
    assert shop.symptom_of(seen, number) == ""
    assert shown(seen, seen) == set()


@pytest.mark.lab
@pytest.mark.slow(15)
@pytest.mark.parametrize(("entry", "number"), EACH)
def test_a_visitor_sees_the_described_symptom(entry, number, make, chromium):
    seen = shop.visit(make(entry, number), number, chromium)
    assert shop.symptom_of(seen, number) == entry.symptom, seen
    tools = shown(seen, healthy(number, chromium))
    assert set(entry.tools) <= tools, seen
    assert level_of(tools) == entry.level, tools


@pytest.mark.lab
@pytest.mark.slow(15)
@pytest.mark.parametrize(("entry", "number"), EACH)
def test_check_reports_that_the_flow_breaks(entry, number, make, check_here):
    report = check_here(str(number), make(entry, number))
    assert report["flow"]["works"] is False
    found = named(report)
    assert found["id"] in entry.named
    if found["id"] == entry.patch.mistake:
        assert found["stage"] == entry.stage, "the first hint names the wrong stage"


@pytest.mark.lab
@pytest.mark.slow(15)
@pytest.mark.parametrize("entry", AT_STEP_7, ids=lambda entry: entry.name)
def test_a_mistake_can_also_be_fixed_in_a_different_way(entry, make, check_here):
    folder = make(entry, 7)
    fix(entry.name, folder)
    ours = {name: path.read_bytes() for name, path in files(step_7()).items()}
    theirs = {name: path.read_bytes() for name, path in files(folder).items()}
    assert ours != theirs, "this is our fix"
    report = check_here("7", folder)
    assert report["flow"]["works"], report["stages"]


def step_7() -> Path:
    return steps.find("7").folder


def fix(name: str, folder: Path) -> None:
    """Fix the mistake in the folder with code that differs from step 7."""
    for change in OTHER_WAYS.get(name, ()):
        if command := change.get("run"):
            manage(folder, *command.split())
            continue
        file = folder / change["file"]
        text, old = change["new"], change.get("old")
        if old:
            before = file.read_text()
            assert before.count(old) == 1, change
            text = before.replace(old, text)
        file.write_text(text)
    if name not in OTHER_WAYS:
        advice = ADVICE / f"{name}.patch"
        assert any(
            subprocess.run(["git", "apply", *way, str(advice)], cwd=folder).returncode
            == 0
            for way in WAYS
        )


def manage(folder: Path, *arguments: str) -> None:
    # pytest-django sets this variable to the settings of another project.
    variables = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=folder, env=variables, check=True)


def test_every_alternative_fix_belongs_to_a_mistake():
    assert OTHER_WAYS.keys() <= entries().keys()
