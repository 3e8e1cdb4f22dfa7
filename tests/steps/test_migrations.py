"""The migrations of each step create the tables of its models."""

import subprocess
import sys

import pytest

from tutorial.project import steps
from tutorial.project.files import copy_project, files


def models_of(step: steps.Step) -> dict[str, bytes]:
    """Return the contents of the step's files with models and migrations, by path."""
    return {
        name: path.read_bytes()
        for name, path in files(step.folder).items()
        if "models" in name or "migrations" in name
    }


# A step with the same models as the previous step does not need another test.
CHANGED = [steps.every()[0]]
CHANGED += [
    new
    for old, new in zip(steps.every(), steps.every()[1:], strict=False)
    if models_of(old) != models_of(new)
]


def test_models_change_only_in_step_4_and_in_final():
    assert [step.name for step in CHANGED] == ["1", "4", "final"]


@pytest.mark.parametrize("step", CHANGED, ids=lambda step: step.name)
def test_models_and_migrations_agree(step, tmp_path):
    copy_project(step.folder, tmp_path)
    result = subprocess.run(
        [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
