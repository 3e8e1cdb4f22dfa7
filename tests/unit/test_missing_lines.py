"""`check` finds the lines that are missing in a project, and the stage of each line."""

import shutil

import pytest

from tutorial.check.listings import missing_lines
from tutorial.check.report import DIFFERS, Diagnosis, Report
from tutorial.project import steps


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(steps.find("7").folder, tmp_path / "my search")


@pytest.mark.parametrize(
    ("name", "line", "stage"),
    [
        ("search/apps.py", "from . import handlers", 5),
        ("search/tasks.py", "logger = logging", 4),
        ("search/consumers.py", "self.accept()", 6),
        ("search/static/search/search.js", "results.prepend(item);", 7),
    ],
)
def test_a_missing_line_belongs_to_the_stage_that_adds_it(folder, name, line, stage):
    file = folder / name
    lines = file.read_text().splitlines()
    left = [one for one in lines if not one.strip().startswith(line)]
    assert len(left) == len(lines) - 1
    file.write_text("\n".join(left))
    (found,) = missing_lines(folder, 7)
    assert found.stage == stage
    assert line in found.seen


def test_a_missing_file_belongs_to_the_stage_that_adds_it(folder):
    (folder / "search" / "management" / "__init__.py").unlink()
    (found,) = missing_lines(folder, 7)
    assert found.stage == 3


def test_the_report_names_the_diff_command_for_this_folder(folder):
    (folder / "search" / "management" / "__init__.py").unlink()
    report = Report("my search", 7, comparison="python3 -m tutorial diff 'my search' 7")
    report.findings += [
        Diagnosis.of(found, DIFFERS) for found in missing_lines(folder, 7)
    ]
    text = "\n".join(report.lines(lambda style, text: text))
    assert "To compare it with the step: " + report.comparison in text
    assert "../my-search" not in text
