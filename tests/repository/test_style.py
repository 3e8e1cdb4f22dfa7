"""The code is formatted and free of lint, and the repository has no unwanted files."""

import re
import subprocess
import sys

import pytest

from support.tracked import TRACKED
from tutorial.paths import ROOT


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_ruff_reports_nothing(command):
    result = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_generated_file_is_tracked():
    leftovers = re.compile(
        r"^site/|(^|/)(\.venv|\.run|node_modules|__pycache__)/"
        r"|\.(sqlite3.*|pyc|log|rdb|aof)$"
    )
    assert not [path for path in TRACKED if leftovers.search(path)]


def test_nothing_is_minified_or_vendored():
    vendored = re.compile(r"\.min\.(js|css)$|\.(woff2?|ttf|otf)$|(^|/)vendor/")
    assert not [path for path in TRACKED if vendored.search(path)]
