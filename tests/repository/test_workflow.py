"""The workflow for GitHub Pages runs commands that exist, and publishes the site."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from mkdocs.commands.build import build
from mkdocs.config import load_config

from tutorial.paths import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "site.yml"


@pytest.fixture
def jobs() -> dict:
    return yaml.safe_load(WORKFLOW.read_text())["jobs"]


def commands(jobs: dict) -> list[str]:
    return [
        step["run"] for job in jobs.values() for step in job["steps"] if "run" in step
    ]


def test_the_workflow_uses_commands_of_the_readme(jobs):
    ours = [one for one in commands(jobs) if one.startswith("python3")]
    assert ours == [
        "python3 -m tutorial test",
        "python3 -m tutorial test -m lab",
        "python3 -m tutorial test -m deploy",
        "python3 -m tutorial docs --build",
    ]
    readme = (ROOT / "README.md").read_text()
    for command in ours:
        assert " ".join(command.split()[:4]) in readme
        words = shlex.split(command)[1:4]
        told = subprocess.run(
            [sys.executable, *words, "--help"], cwd=ROOT, capture_output=True, text=True
        )
        assert told.returncode == 0, told.stderr
        options = [word for word in shlex.split(command) if word.startswith("--")]
        assert all(option in told.stdout for option in options)


def test_the_workflow_tests_each_python_version_on_linux_and_macos(jobs):
    matrix = jobs["test"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert [name.partition("-")[0] for name in matrix["os"]] == ["ubuntu", "macos"]


def test_the_workflow_publishes_the_built_site_only_after_the_tests(jobs):
    uploads = [
        step for step in jobs["build"]["steps"] if "upload" in step.get("uses", "")
    ]
    settings = load_config(str(ROOT / "mkdocs.yml"))
    folder = Path(settings.site_dir).relative_to(ROOT).as_posix()
    assert [step["with"]["path"] for step in uploads] == [folder]
    assert f"/{folder}/" in (ROOT / ".gitignore").read_text().split()
    assert set(jobs["publish"]["needs"]) == {"test", "deploy", "build"}


def test_the_404_page_finds_its_stylesheets(jobs, tmp_path, monkeypatch):
    """GitHub Pages shows this page at every missing address below the site's address.

    The theme creates this page for every site, so a site of one page is enough here.
    """
    names = {"repository_owner": "ada", "event.repository.name": "tutorial"}
    [address] = [
        step["env"]["SITE_URL"] for step in jobs["build"]["steps"] if "env" in step
    ]
    for name, value in names.items():
        address = address.replace(f"${{{{ github.{name} }}}}", value)
    assert address == "https://ada.github.io/tutorial/"
    monkeypatch.setenv("SITE_URL", address)
    docs, site = tmp_path / "docs", tmp_path / "site"
    shutil.copytree(ROOT / "docs" / "assets", docs / "assets")
    (docs / "index.md").touch()
    places = {"docs_dir": str(docs), "site_dir": str(site)}
    settings = load_config(
        str(ROOT / "mkdocs.yml"), nav=["index.md"], hooks=[], **places
    )
    build(settings)
    page = (site / "404.html").read_text()
    loaded = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    assert loaded
    for link in loaded:
        assert (site / link.removeprefix("/tutorial/")).is_file(), link


def test_the_workflow_uses_only_actions_of_github_and_no_secret(jobs):
    used = [
        step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step
    ]
    assert used
    assert all(action.startswith("actions/") for action in used)
    assert "secrets." not in WORKFLOW.read_text()
