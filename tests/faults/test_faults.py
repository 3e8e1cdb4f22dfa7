"""The fault lab: `check` finds each common mistake after a patch puts it into a step.

Each patch in `tutorial/repair_shop/patches/` starts with a header. It contains the
step, the mistake from the catalogue that `check` must name, the file that `check` must
point to (`at`), and the symptom. `log` is a pattern for the output of the processes.
`quiet: yes` says that the processes print no error at all. Such a mistake is hard to
find. `sees` is a pattern for what `check` says it saw, and `line` is a pattern for the
line that `check` points to. `alone: yes` says that `check` names no other mistake.
`lab: yes` says that the plain command `tutorial test` skips the mistake, and that
`tutorial test -m lab` tests it.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest

from support.checking import all_named, named
from tutorial.check.mistakes import mistakes
from tutorial.paths import ROOT
from tutorial.project import steps
from tutorial.project.files import copy_project

FAULTS = sorted((ROOT / "tutorial" / "repair_shop" / "patches").glob("*.patch"))


def head_of(patch: Path) -> dict[str, str]:
    """Return the fields of the patch's header as a dict from name to value."""
    head = patch.read_text().partition("\ndiff ")[0]
    return dict(re.findall(r"^(\w+): (.*)$", head, re.M))


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param(
            patch,
            id=patch.stem,
            marks=[pytest.mark.lab] * (head_of(patch).get("lab") == "yes"),
        )
        for patch in FAULTS
    ],
)
def test_check_finds_the_mistake(patch, tmp_path, check_here):
    head = head_of(patch)
    folder = tmp_path / "my search"
    copy_project(steps.find(head["step"]).folder, folder)
    subprocess.run(["git", "apply", str(patch)], cwd=folder, check=True)

    report = check_here(head["step"], folder)

    found = named(report)
    said = json.dumps(found, indent=2, ensure_ascii=False)
    assert found["id"] == head["mistake"], said
    assert found["stage"] <= int(head["step"]), "the stage of a later step"
    assert (found["at"] or "").rpartition(":")[0] == head["at"], said
    assert re.search(head["sees"], found["seen"]), said
    if "line" in head:
        name, _, number = found["at"].rpartition(":")
        line = (folder / name).read_text().splitlines()[int(number) - 1]
        assert re.search(head["line"], line), said
    if "alone" in head:
        assert all_named(report) == [head["mistake"]]
    printed = "\n".join(line for lines in report["log"].values() for line in lines)
    if "log" in head:
        assert re.search(head["log"], printed), printed
    if "quiet" in head:
        assert not re.search(r"^Traceback|^\S*Error:", printed, re.M), printed


def test_each_mistake_of_the_lab_is_in_the_catalogue():
    known = mistakes()
    for patch in FAULTS:
        assert head_of(patch)["mistake"] in known
