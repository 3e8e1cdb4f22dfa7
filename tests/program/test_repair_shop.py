"""The repair shop: checks of real projects, and commands as a user types them."""

import re
import shutil
from pathlib import Path

import pytest

from support.learner.printed import compare
from support.program import check_message, tutorial
from tutorial.paths import ROOT
from tutorial.project.steps import find
from tutorial.repair_shop import kept
from tutorial.repair_shop.catalogue import in_order
from tutorial.repair_shop.kept import Kept
from tutorial.repair_shop.patch import broken, patches
from tutorial.repair_shop.verdict import check

PAGE = (ROOT / "docs" / "repair.md").read_text()


def blocks(first: str) -> list[str]:
    """Return the outputs that the page shows for commands that begin with `first`."""
    found = re.findall(r"```console\n(?:# [^\n]*\n)?\$ ([^\n]*)\n(.*?)```", PAGE, re.S)
    return [output for command, output in found if command.startswith(first)]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Make a folder of the repair shop with the mistake `no_worker`."""
    # pytest-django sets this variable, but a user does not have it.
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    return make(tmp_path / "repair", "no_worker")


def make(folder: Path, name: str) -> Path:
    with broken(patches()[name], find("7")) as made:
        shutil.copytree(made, folder)
    state = Kept(step=7, seed=12)
    state.begin(name)
    kept.write(folder, state)
    return folder


def add_worker(folder: Path) -> None:
    """Fix the mistake `no_worker` with a different command than in step 7."""
    with (folder / "Procfile").open("a") as procfile:
        procfile.write("worker: celery -A config worker -P solo\n")


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


@pytest.mark.slow(20)
def test_check_does_not_reveal_the_mistake_before_it_is_fixed(
    tmp_path, chromium, capsys, monkeypatch
):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    first = re.search(r"repair ../repair --seed (\d+)\n", PAGE)[1]
    folder = make(tmp_path / "repair", in_order(7, int(first))[0])
    title, shown = "../repair", blocks("python3 -m tutorial check ../repair")
    assert check(folder, title, explain=False, strict=False, browser=chromium) == 1
    still = capsys.readouterr().out
    compare(shown[0].splitlines(), still.splitlines())
    assert "another queue" not in still
    assert "Procfile" not in still

    state = kept.read(folder, title)
    state.turn.hints = 1
    kept.write(folder, state)
    # The fix differs from step 7: the worker has a different name and pool, and the
    # settings lack a line that is not needed.
    (folder / "Procfile").open("a").write("jobs: celery -A config worker -P solo\n")
    unneeded = '    "disable_existing_loggers": False,\n'
    replace(folder / "config" / "settings.py", unneeded, "")

    assert check(folder, title, explain=False, strict=False, browser=chromium) == 0
    fixed = capsys.readouterr().out.replace("1 minute,", "1 minutes,")
    compare(shown[1].splitlines(), fixed.splitlines())
    assert kept.read(folder, title).turn.is_solved


@pytest.mark.lab
@pytest.mark.slow(20)
def test_explain_prints_the_full_report_and_counts_as_using_all_hints(
    folder, chromium, capsys
):
    assert check(folder, "../repair", explain=True, strict=False, browser=chromium) == 1
    assert "BROKEN  4 worker    No worker is running" in capsys.readouterr().out
    assert kept.read(folder, "../repair").turn.hints == 3


@pytest.mark.lab
@pytest.mark.slow(20)
def test_check_says_that_a_fix_has_broken_something_else(folder, chromium, capsys):
    add_worker(folder)
    replace(folder / "search" / "handlers.py", 'f"user_{', 'f"user-{')
    assert check(folder, "../repair", explain=False, strict=False, browser=chromium)
    printed = capsys.readouterr().out
    assert "in a different way than at the start" in printed
    assert "user-" in printed
    assert not kept.read(folder, "../repair").turn.is_solved

    # The report is about a different mistake, so it does not count as a hint.
    check(folder, "../repair", explain=True, strict=False, browser=chromium)
    assert "user-" in capsys.readouterr().out
    assert kept.read(folder, "../repair").turn.hints == 0


@pytest.mark.lab
@pytest.mark.slow(20)
def test_check_warns_if_a_fix_makes_the_app_unsafe(folder, chromium, capsys):
    add_worker(folder)
    replace(
        folder / "search" / "views.py",
        "@require_http_methods",
        "@csrf_exempt\n@require_http_methods",
    )
    replace(
        folder / "search" / "views.py",
        "import logging",
        "import logging\n\nfrom django.views.decorators.csrf import csrf_exempt",
    )
    status = check(folder, "../repair", explain=False, strict=False, browser=chromium)
    printed = capsys.readouterr().out
    assert status == 3
    assert "there is something else to look at" in printed
    assert "accepts forms from other sites" in " ".join(printed.split())
    assert "The mistake was: No worker is running" in " ".join(printed.split())


def test_options_that_would_reveal_the_mistake_are_refused(folder):
    for option in ("--json", "--watch"):
        result = tutorial("check", str(folder), option)
        check_message(result, option, "--explain")


def test_the_option_explain_is_refused_outside_the_shop():
    check_message(tutorial("check", "7", "--explain"), "--explain", "repair shop")


def test_repair_makes_a_folder_and_refuses_wrong_arguments(tmp_path):
    folder = tmp_path / "repair"
    result = tutorial("repair", str(folder), "--seed", "12", "--level", "loud")
    assert result.returncode == 0, result.stderr
    assert "(level: loud). What a visitor sees:" in result.stdout
    check_message(tutorial("repair", str(folder), "--level", "quiet"), "--level")
    check_message(tutorial("repair", str(folder), "--step", "9"), "--step")
    check_message(tutorial("repair", str(tmp_path / "x"), "--step", "9"), "5 and 7")
