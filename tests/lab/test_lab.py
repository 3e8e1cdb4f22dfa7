"""`check` accepts working projects by other people, and finds mistakes added to them.

The authors of the projects had seen only the description of the flow. The plain command
`tutorial test` checks each project, and the mistakes whose patch says `plain: yes`.
`tutorial test -m lab` checks all mistakes, and confirms in a browser that each mistake
breaks its project.
"""

import json

import pytest

from support import lab
from support.checking import named


def name_of(path) -> str:
    name = path.relative_to(lab.LAB).with_suffix("").as_posix()
    return name.replace("/mistakes", "").replace("/unsafe", "")


def is_plain(patch) -> bool:
    return lab.head_of(patch).get("plain") == "yes"


@pytest.mark.slow(20)
@pytest.mark.parametrize("folder", lab.projects(), ids=name_of)
def test_check_reports_that_a_healthy_project_works(folder, tmp_path, check_here):
    lab.copy(folder, tmp_path / "project")
    report = check_here("7", tmp_path / "project")
    said = json.dumps(report["stages"], indent=2, ensure_ascii=False)
    assert report["flow"]["works"], said
    assert [stage["state"] for stage in report["stages"]] == ["passed"] * 8, said


def each(patches):
    """Return a decorator that runs a test for each patch.

    A patch that is not `plain` gets the marker `lab`.
    """
    return pytest.mark.parametrize(
        "patch",
        [
            pytest.param(patch, marks=[] if is_plain(patch) else [pytest.mark.lab])
            for patch in patches
        ],
        ids=name_of,
    )


@pytest.mark.slow(15)
@each(lab.mistakes())
def test_check_names_the_broken_stage_and_the_mistake(patch, tmp_path, check_here):
    lab.copy(patch.parent.parent, tmp_path / "project", patch)
    report = check_here("7", tmp_path / "project")
    head, said = lab.head_of(patch), json.dumps(report["stages"], indent=2)
    assert str(report["flow"]["breaks_at"]) == head["stage"], said
    assert named(report)["id"] == head["mistake"], said


@pytest.mark.slow(15)
@each(lab.unsafe())
def test_check_reports_unsafe_code_and_its_place(patch, tmp_path, check_here):
    lab.copy(patch.parent.parent, tmp_path / "project", patch)
    report = check_here("7", tmp_path / "project")
    head, found = lab.head_of(patch), named(report)
    assert (found["id"], found["kind"]) == (head["mistake"], head["kind"]), report
    assert found["at"], report
    assert report["flow"]["works"] == (head["kind"] != "broken")


@pytest.mark.lab
@pytest.mark.parametrize("folder", lab.projects(), ids=name_of)
def test_a_browser_shows_the_answers_of_a_healthy_project(folder, tmp_path, chromium):
    lab.copy(folder, tmp_path / "project")
    lab.visit(folder, tmp_path / "project", chromium)


@pytest.mark.lab
@pytest.mark.parametrize("patch", lab.mistakes(), ids=name_of)
def test_with_a_mistake_the_answer_does_not_reach_the_page(patch, tmp_path, chromium):
    folder = patch.parent.parent
    lab.copy(folder, tmp_path / "project", patch)
    with pytest.raises(lab.Breaks):
        lab.visit(folder, tmp_path / "project", chromium)


def test_each_project_has_ten_mistakes():
    assert len(lab.projects()) >= 8
    for folder in lab.projects():
        heads = [lab.head_of(patch) for patch in (folder / "mistakes").glob("*.patch")]
        assert len(heads) == 10, folder
        needed = {"stage", "mistake", "file", "why"}
        assert all(head.keys() >= needed for head in heads), folder
        assert sum(head.get("plain") == "yes" for head in heads) == 1, folder
    stages = {lab.head_of(patch)["stage"] for patch in lab.mistakes()}
    assert stages == set("01234567")
