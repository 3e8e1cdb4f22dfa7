"""Each step adds one component, in the files that `steps.toml` lists."""

import re
import subprocess

import pytest

from tutorial.paths import ROOT, requirements
from tutorial.project import difference, procfile, steps
from tutorial.project.files import files

PAIRS = list(zip(steps.steps(), steps.steps()[1:], strict=False))
IDS = [f"{old.name}-{new.name}" for old, new in PAIRS]

# The most lines that a step may add or remove, not counting stylesheets and migrations.
MOST_ADDED = 110
MOST_REMOVED = 10


@pytest.mark.parametrize(("old", "new"), PAIRS, ids=IDS)
def test_a_step_touches_only_the_files_that_it_names(old, new):
    changes = {
        change.path: change.kind
        for change in difference.compare(old.folder, new.folder)
    }
    assert {path for path, kind in changes.items() if kind == "new file"} == set(
        new.added
    )
    assert {path for path, kind in changes.items() if kind == "changed"} == set(
        new.changed
    )
    assert "removed" not in changes.values()


@pytest.mark.parametrize(("old", "new"), PAIRS, ids=IDS)
def test_a_step_adds_and_removes_few_lines(old, new):
    counted = [
        change
        for change in difference.compare(old.folder, new.folder)
        if not change.path.endswith(".css") and "/migrations/" not in change.path
    ]
    assert sum(change.added for change in counted) <= MOST_ADDED
    assert sum(change.removed for change in counted) <= MOST_REMOVED


@pytest.mark.parametrize(("old", "new"), PAIRS, ids=IDS)
def test_a_step_moves_no_line(old, new):
    """A line that is both removed and added was moved or reformatted."""
    for change in difference.compare(old.folder, new.folder):
        body = change.unified()[2:]
        came = {line[1:].strip() for line in body if line.startswith("+")}
        went = {line[1:].strip() for line in body if line.startswith("-")}
        assert not {line for line in came & went if len(line) > 4}, change.path


@pytest.mark.parametrize("step", steps.every(), ids=lambda step: step.name)
def test_a_step_says_what_the_learner_sees(step):
    assert re.fullmatch(r"[A-Z].*\.", step.sees)


@pytest.mark.parametrize("step", steps.every(), ids=lambda step: step.name)
def test_a_step_names_its_executable_files(step):
    listed = subprocess.run(
        ["git", "ls-files", "--stage"],
        cwd=step.folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    executable = [x.partition("\t")[2] for x in listed if x.startswith("100755 ")]
    assert executable == list(step.executable)


def test_every_project_in_the_folder_steps_is_a_step():
    folders = {path.parent for path in (ROOT / "steps").glob("*/manage.py")}
    assert folders == {step.folder for step in steps.steps()}


def test_final_has_all_files_of_step_7():
    assert files(steps.steps()[-1].folder).keys() <= files(ROOT / "final").keys()


@pytest.mark.parametrize("step", steps.every(), ids=lambda step: step.name)
def test_no_step_imports_the_package_tutorial(step):
    for path, file in files(step.folder).items():
        if file.suffix == ".py":
            assert not re.search(r"(from|import) tutorial\b", file.read_text()), path


@pytest.mark.parametrize("step", steps.every(), ids=lambda step: step.name)
def test_run_installs_the_versions_that_a_step_pins(step):
    compiled = procfile.packages(step.folder)
    assert compiled, "no package is pinned"
    pins = requirements("run").read_text()
    for name, version in compiled.items():
        assert re.search(rf"^{name}=={re.escape(version)} ", pins, re.M | re.I), name


@pytest.mark.parametrize("name", ["run", "redis", "test", "docs"])
def test_pins_have_hashes_and_name_no_host(name):
    text = requirements(name).read_text()
    source = requirements(name).with_suffix(".in").read_text()
    for package, version in re.findall(r"^([\w.-]+)==(\S+)$", source, re.M):
        assert f"{package}=={version} " in text, "run requirements/compile"
    for block in re.split(r"\n(?=\S)", text):
        if "==" in block:
            assert "--hash=sha256:" in block, block
    assert "://" not in text
    assert "index-url" not in text
