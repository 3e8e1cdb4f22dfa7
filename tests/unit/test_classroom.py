"""The table of a class has a row for each folder, with the progress of its project."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys

import pytest

from support.folders import make
from tutorial.check.report import Diagnosis, Report, Result, stage_name
from tutorial.check.unmet import Unmet
from tutorial.classroom import folders, kept, output
from tutorial.classroom.document import document
from tutorial.classroom.folders import Folder
from tutorial.classroom.parts import last_part
from tutorial.classroom.row import Row, stumbles, worst
from tutorial.classroom.session import remaining
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project import steps
from tutorial.runtime.terminal import Bar

LAB = sorted((ROOT / "tests" / "lab").glob("*/project"))


def diagnosis(name: str, at: str | None = None, kind: str = "broken") -> Diagnosis:
    """Return a diagnosis of a mistake in the catalogue."""
    unmet = Unmet(name, "this was seen")
    unmet.at = at
    return Diagnosis.of(unmet, kind)


def row(name: str, step: int, parts: int, broken: tuple[int, str] = (), **more) -> Row:
    """Return a row of the table.

    `broken` contains the stage at which the check stops, and the id of the mistake.
    """
    report = Report(name, step, findings=more.get("findings", []))
    last, mistake = broken or (step + 1, "")
    for number in range(min(last, step + 1)):
        report.results.append(Result(number, stage_name(number), "passed", "seen"))
    if mistake:
        state = more.get("state", "broken")
        found = diagnosis(mistake, more.get("at"))
        report.results.append(Result(last, stage_name(last), state, diagnosis=found))
    result = {"report": report.data(), "text": "the report", "parts": parts}
    return Row(Folder(name, ROOT / name, ROOT / name), step, result)


def unchecked(name: str, problem: str) -> Row:
    return Row(Folder(name, ROOT / name, problem=problem), 4, {"problem": problem})


@pytest.mark.parametrize("step", steps.steps(), ids=lambda step: step.name)
def test_the_files_of_a_step_show_its_number(step):
    assert last_part(step.folder) == step.number


@pytest.mark.parametrize("project", LAB, ids=lambda path: path.parent.name)
def test_the_files_of_other_peoples_projects_show_step_7(project):
    assert last_part(project) == 7


@pytest.mark.lab
@pytest.mark.slow(15)
def test_a_step_with_a_mistake_still_counts_as_reached(tmp_path):
    """A step counts as reached even if a patch of the repair shop breaks it."""
    wrong = []
    patches = ROOT / "tutorial" / "repair_shop" / "patches"
    for patch in sorted(patches.glob("*.patch")):
        step = re.search(r"^step: (\w+)$", patch.read_text(), re.M)[1]
        folder = make(tmp_path / patch.stem, step)
        subprocess.run(["git", "apply", str(patch)], cwd=folder, check=True)
        if last_part(folder) != steps.find(step).number:
            wrong.append((patch.stem, step, last_part(folder)))
    assert not wrong


NO_WORKER, EAGER, SYNTAX = (
    (4, "no-worker"),
    (3, "eager-left-on"),
    (0, "does-not-start"),
)


@pytest.mark.parametrize(
    ("given", "standing", "hop"),
    [
        (row("a", 4, 4), "step 4", ""),
        (row("a", 4, 7), "step 4", ""),
        # The files contain nothing of step 4: the learner has not begun this step.
        (row("a", 4, 3, NO_WORKER), "step 3", "next: 4 worker: No worker is running"),
        # The files contain code of step 4: the learner has begun this step.
        (
            row("a", 4, 4, NO_WORKER, at="Procfile:1"),
            "step 4, broken at stage 4",
            "4 worker: No worker is running (Procfile:1)",
        ),
        # A stage of an earlier step is broken.
        (row("a", 6, 6, EAGER), "step 6, broken at stage 3", "3 queue: "),
        (row("a", 4, 5, EAGER), "step 4, broken at stage 3", "3 queue: "),
        (row("a", 4, 3, SYNTAX), "step 3, does not start", "start: A file of the"),
        (row("a", 4, 0, SYNTAX), "before step 1, does not start", "start: A file of"),
        (
            row("a", 4, 4, NO_WORKER, state="cannot judge"),
            "step 4, cannot be judged",
            "4 worker: No worker is running",
        ),
        (unchecked("a", "the folder is empty"), "not checked", "the folder is empty"),
    ],
)
def test_a_row_shows_the_step_reached_and_the_first_broken_hop(given, standing, hop):
    assert given.standing() == standing
    assert given.hop().startswith(hop)
    assert bool(given.hop()) == bool(hop)


def test_the_exit_status_is_the_worst_of_all_folders():
    good, broken = row("a", 4, 4), row("b", 4, 4, NO_WORKER)
    finding = diagnosis("inner-html", kind="unsafe")
    findings = row("c", 4, 4, findings=[finding])
    unknown = row("d", 4, 4, NO_WORKER, state="cannot judge")
    empty = unchecked("e", "the folder is empty")
    assert worst([good], strict=True) == 0
    assert worst([good, findings], strict=False) == 3
    assert worst([good, findings], strict=True) == 1
    assert worst([good, unknown, findings], strict=False) == 4
    assert worst([unknown, broken, findings], strict=False) == 1
    assert worst([empty, broken, good], strict=False) == 2


def test_the_most_frequent_mistake_comes_first():
    rows = [
        row("a", 4, 4, NO_WORKER),
        row("b", 4, 4, EAGER),
        row("c", 4, 4, EAGER),
        row("d", 4, 3, NO_WORKER),  # the learner has not begun this step
        unchecked("e", "the folder is empty"),
    ]
    found = [(one.id, one.names) for one in stumbles(rows)]
    assert found == [("eager-left-on", ("b", "c")), ("no-worker", ("a",))]


@pytest.fixture
def classroom(tmp_path):
    """Create the folders of a class. Some of them contain a project, others do not."""
    place = tmp_path / "class"
    make(place / "ada", "1")
    make(place / "ben" / "homework" / "site", "1")
    for name in ("one", "two"):
        make(place / "cleo" / name, "1")
    make(place / "dan", "1")
    make(place / "dan" / "old", "1")
    (place / "empty" / ".git").mkdir(parents=True)
    (place / "notes").mkdir()
    (place / "notes" / "notes.txt").write_text("to do")
    (place / "report.html").write_text("")
    (place / ".hidden").mkdir()
    return place


def test_the_project_of_each_folder_is_found(classroom):
    found = {one.name: one for one in folders.look_into(folders.below(str(classroom)))}
    assert list(found) == ["ada", "ben", "cleo", "dan", "empty", "notes"]
    assert found["ada"].project == classroom / "ada"
    assert found["ben"].project == classroom / "ben" / "homework" / "site"
    assert found["ben"].note == "the project is in homework/site/"
    assert found["cleo"].problem == "2 projects: one/, two/"
    assert found["dan"].project == classroom / "dan"
    assert found["dan"].note == "another project in this folder: old/"
    assert found["empty"].problem == "the folder is empty"
    assert found["notes"].problem == "no project: no manage.py"


def test_each_folder_has_a_unique_name(classroom):
    names = [f"{classroom}/ada", f"{classroom}/ben/homework/site"]
    paths, _ = folders.named([*names, f"{classroom}/ada/"])
    assert [one.name for one in folders.look_into(paths)] == [
        "ada",
        "ben/homework/site",
    ]


def test_files_are_separated_from_folders_and_wrong_names_are_reported(classroom):
    report = f"{classroom}/report.html"
    assert folders.named([f"{classroom}/ada", report])[1] == [report]
    with pytest.raises(Problem, match="no folder"):
        folders.named([f"{classroom}/ada", f"{classroom}/adda"])
    with pytest.raises(Problem, match="cannot be read"):
        folders.below(f"{classroom}/adda")


def test_a_folder_that_cannot_be_read_is_listed_with_the_reason(classroom, monkeypatch):
    def refuse(top, onerror):
        onerror(PermissionError(13, "Permission denied", str(top)))
        return iter(())

    monkeypatch.setattr(folders.os, "walk", refuse)
    found = folders.look_into([classroom / "ada"])[0]
    assert found.problem.endswith("ada cannot be read: Permission denied")


def test_the_digest_depends_on_each_file_that_a_check_reads(classroom):
    folder = classroom / "ada"
    seen = {folders.digest(folder)}
    (folder / "search" / "views.py").write_text("# changed\n")
    seen.add(folders.digest(folder))
    (folder / ".env").write_text("DEBUG=1\n")
    seen.add(folders.digest(folder))
    (folder / "db.sqlite3").write_bytes(b"some rows")
    seen.add(folders.digest(folder))
    (folder / "db.sqlite3-wal").write_bytes(b"more rows")
    seen.add(folders.digest(folder))
    assert len(seen) == 5
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "views.pyc").write_bytes(b"compiled")
    assert folders.digest(folder) in seen
    copy = classroom / "elsewhere"
    shutil.copytree(folder, copy)
    assert folders.digest(copy) in seen


def test_a_folder_that_is_too_large_is_not_read(classroom, monkeypatch):
    monkeypatch.setattr(folders, "MOST_BYTES", 1000)
    with pytest.raises(Problem, match="more than"):
        folders.digest(classroom / "ada")


def test_a_cached_timeout_is_ignored_if_a_check_may_take_longer(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "PLACE", tmp_path / "kept")
    name = kept.key(4, "digest", "")
    assert kept.read(name, 10) is None
    kept.write(name, {"problem": "it was stopped after 10 s", "timeout": 10})
    assert kept.read(name, 10)
    assert kept.read(name, 20) is None
    assert kept.key(5, "digest", "") != name != kept.key(4, "digest", "chromium")
    kept.PLACE.joinpath(f"{name}.json").write_text("{")
    assert kept.read(name, 10) is None
    monkeypatch.setattr(kept, "MOST", 0)
    kept.remove_oldest()
    kept.PLACE.joinpath("other").write_text("")
    monkeypatch.setattr(kept, "MOST", 1)
    kept.remove_oldest()
    assert len(list(kept.PLACE.iterdir())) == 1


EVIL = '=1+1<script>alert(1)</script>\033[2J\n{{ rows }}"'


def test_names_of_folders_are_escaped():
    rows = [row(EVIL, 4, 4), row("b", 4, 4, NO_WORKER, at=EVIL)]
    rows[0].result["text"] = EVIL
    table = "\n".join(output.lines(rows, lambda style, text: text))
    assert "\033" not in table
    cells = list(csv.DictReader(io.StringIO(output.as_csv(rows))))
    assert cells[0]["name"].startswith("'=1+1")
    page = document(rows, 4, "today")
    assert "<script>alert" not in page
    assert page.count("{{ rows }}") > 0, "a folder's text was treated as a placeholder"
    assert page.count("</html>") == 1
    assert json.loads(output.as_json(rows, 4, 1.0))["folders"][0]["name"] == EVIL


def test_the_table_fits_the_width_of_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    rows = [
        row("ada", 4, 4),
        row("a name that is longer than most names are", 4, 4, NO_WORKER),
        unchecked("cleo", "the folder is empty"),
    ]
    rows[0].notes.append(
        "1 process was still running after the check and had to be killed"
    )
    lines = list(output.lines(rows, lambda style, text: text))
    assert lines[0].split() == "name reached first broken hop findings".split()
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("cleo ") for line in lines)
    text = " ".join(" ".join(lines).split())
    assert "step 4, broken at stage 4" in text.replace("  ", " ")


def test_json_and_csv_contain_the_state_of_each_folder():
    rows = [row("ada", 4, 4, NO_WORKER, at="Procfile:1"), unchecked("b", "it is empty")]
    data = json.loads(output.as_json(rows, 4, 12.34))
    assert (data["version"], data["step"], data["seconds"]) == (1, 4, 12.3)
    ada, other = data["folders"]
    assert (ada["state"], ada["reached"], ada["done"]) == ("broken", 4, 3)
    assert (ada["mistake"], ada["at"]) == ("no-worker", "Procfile:1")
    assert ada["report"]["version"] == 3
    assert ada["report"]["folder"] == ada["project"]
    assert (other["state"], other["report"]) == ("not checked", None)
    assert data["stumbles"][0]["folders"] == ["ada"]
    cells = list(csv.DictReader(io.StringIO(output.as_csv(rows))))
    assert set(cells[0]) <= {*ada}
    assert cells[0]["standing"] == "step 4, broken at stage 4"


def test_the_bar_shows_the_progress_and_the_remaining_time(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "70")
    bar = Bar()
    bar(12, 30, 100.4, ["ada", "b\033[2Jen"])
    shown = sys.stderr.getvalue().removeprefix("\r\033[K")
    assert shown.startswith(
        "[#########...............] 12 of 30, about 1 min 40 s left"
    )
    assert "ada" in shown
    assert "\033" not in shown
    assert len(shown) < 70
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    Bar()(1, 2, None, [])
    assert not sys.stderr.getvalue()


def test_the_remaining_time_is_estimated_from_ended_checks():
    assert remaining([], [3.0, 1.0], waiting=5, jobs=2) is None
    assert remaining([10.0, 14.0], [], waiting=5, jobs=2) == 30
    # One running check has two seconds left. The other takes longer than usual.
    assert remaining([12.0], [10.0, 60.0], waiting=1, jobs=2) == 7
