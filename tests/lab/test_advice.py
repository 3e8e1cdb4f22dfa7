"""The advice of `check` fixes a mistake if somebody follows it exactly.

For each mistake, a reader was given only the project's folder and the report. The
reader's change is a patch in a folder `advice/`, next to the folder of the mistake.

The patch begins with a header. `followed` is the advice that was read. `run` lists the
commands of manage.py that the advice names. `then` is the id of another mistake, if the
change uncovers one. In this case, the patch also contains the change that the second
report advises.

If the text of a fix in the catalogue changes, somebody has to follow the new text. Give
a reader only the folder and the report, and put the reader's change into the patch.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support import lab
from support.checking import named
from tutorial.check.mistakes import mistakes
from tutorial.paths import ROOT
from tutorial.project import steps
from tutorial.project.files import copy_project

OF_OUR_STEPS = ROOT / "tests" / "faults" / "advice"
PATCHES = ROOT / "tutorial" / "repair_shop" / "patches"
FOLLOWED = sorted([*lab.LAB.glob("*/advice/*"), *OF_OUR_STEPS.glob("*.patch")])


# pytest-django sets DJANGO_SETTINGS_MODULE to the settings of another project.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}


def head_of(patch: Path) -> dict[str, str]:
    return dict(
        re.findall(r"^(\w+): (.*)$", patch.read_text().partition("\n\n")[0], re.M)
    )


def mistake_of(advice: Path) -> Path:
    """Return the patch that adds the mistake for which the advice was given."""
    is_ours = OF_OUR_STEPS in advice.parents
    folder = PATCHES if is_ours else advice.parent.parent / "mistakes"
    return folder / advice.name


def name_of(advice: Path) -> str:
    return f"{advice.parent.parent.name}/{advice.stem}"


@pytest.mark.parametrize("advice", FOLLOWED, ids=name_of)
def test_the_fix_in_the_catalogue_is_the_one_that_was_followed(advice):
    mistake = mistakes()[head_of(mistake_of(advice))["mistake"]]
    assert head_of(advice)["followed"] == mistake.fix, (
        "the fix in the catalogue has changed: have a reader follow the new text"
    )


def test_each_mistake_has_a_patch_that_follows_the_advice():
    patches = [*lab.mistakes(), *PATCHES.glob("*.patch")]
    assert {mistake_of(advice) for advice in FOLLOWED} == set(patches)


@pytest.mark.lab
@pytest.mark.slow(15)
@pytest.mark.parametrize("advice", FOLLOWED, ids=name_of)
def test_the_flow_works_after_the_advice_was_followed(advice, tmp_path, check_here):
    mistake, project = mistake_of(advice), tmp_path / "project"
    number = head_of(mistake).get("step", "7")
    if PATCHES in mistake.parents:
        copy_project(steps.find(number).folder, project)
        subprocess.run(["git", "apply", str(mistake)], cwd=project, check=True)
    else:
        lab.copy(mistake.parent.parent, project, mistake)
    if "diff --git" in advice.read_text():
        subprocess.run(["git", "apply", str(advice)], cwd=project, check=True)
    for command in filter(None, head_of(advice).get("run", "").split(";")):
        manage = [sys.executable, "manage.py", *command.split()]
        subprocess.run(manage, cwd=project, env=ENVIRONMENT, check=True)

    report = check_here(number, project)

    said = json.dumps([report["stages"], report["findings"]], ensure_ascii=False)
    assert report["flow"]["works"], said
    left = [named(report)["id"]] if report["findings"] else []
    assert head_of(mistake)["mistake"] not in left, said
