"""The workflow for GitHub Pages runs commands that exist, and publishes the site."""

import shlex
import subprocess
import sys

import pytest
import yaml

from tutorial.environment import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "site.yml"


@pytest.fixture
def jobs() -> dict:
    return yaml.safe_load(WORKFLOW.read_text())["jobs"]


def commands(jobs: dict) -> list[str]:
    return [
        step["run"] for job in jobs.values() for step in job["steps"] if "run" in step
    ]


def test_it_tests_and_builds_with_the_readme_s_commands(jobs):
    assert commands({"test": jobs["test"]}) == ["python3 -m tutorial test"]
    readme = (ROOT / "README.md").read_text()
    for command in commands(jobs):
        assert " ".join(command.split()[:4]) in readme
        words = shlex.split(command)[1:4]
        told = subprocess.run(
            [sys.executable, *words, "--help"], cwd=ROOT, capture_output=True, text=True
        )
        assert told.returncode == 0, told.stderr
        assert all(option in told.stdout for option in shlex.split(command)[4:])


def test_it_publishes_what_is_built_and_only_after_the_tests(jobs):
    uploads = [
        step for step in jobs["build"]["steps"] if "upload" in step.get("uses", "")
    ]
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    folder = settings.get("site_dir", "site")  # MkDocs' own default
    assert [step["with"]["path"] for step in uploads] == [folder]
    assert f"/{folder}/" in (ROOT / ".gitignore").read_text().split()
    assert set(jobs["publish"]["needs"]) == {"test", "build"}


def test_it_uses_no_action_but_github_s_own_and_no_secret(jobs):
    used = [
        step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step
    ]
    assert used
    assert all(action.startswith("actions/") for action in used)
    assert "secrets." not in WORKFLOW.read_text()
