"""What `check` prints in a folder of the repair shop, and what it does not reveal."""

import pytest

from tutorial.check.report import (
    BROKEN,
    CANNOT_JUDGE,
    PASSED,
    Diagnosis,
    Report,
    Result,
)
from tutorial.check.unmet import Unmet
from tutorial.repair_shop.catalogue import entries
from tutorial.repair_shop.kept import Kept
from tutorial.repair_shop.verdict import lines

NAME = "no_worker"


def plain(style: str, text: str) -> str:
    return text


def report(mistake: str = "", *, at: int = 4, findings=(), state=BROKEN) -> Report:
    """A report in which the flow breaks at stage `at`, or works."""
    found = [Result(0, "start", PASSED, "it starts")]
    last = at if mistake else 8
    found += [Result(n, f"stage{n}", PASSED, f"seen {n}") for n in range(1, last)]
    if mistake:
        diagnosis = Diagnosis.of(Unmet(mistake, "what was seen"), kind=state)
        found.append(Result(at, f"stage{at}", state, diagnosis=diagnosis))
    made = Report("../repair", 7, found)
    made.findings += [Diagnosis.of(Unmet(one, "seen"), "unsafe") for one in findings]
    return made


@pytest.fixture
def kept():
    state = Kept(step=7, seed=12)
    state.begin(NAME)
    return state


def printed(made: Report, kept: Kept) -> str:
    return "\n".join(lines(made, kept, entries()[NAME], "../repair", plain))


def test_it_says_where_a_search_stops_and_no_more(kept):
    text = printed(report("no-worker"), kept)
    assert text.startswith("Still broken. A search stops at stage 4, worker.")
    assert "seen 3" in text
    assert "--hint" in text
    for secret in ("No worker is running", "Procfile", "what was seen", "no-worker"):
        assert secret not in text


def test_after_the_last_hint_it_says_everything(kept):
    kept.turn.hints = 3
    text = printed(report("no-worker"), kept)
    assert "No worker is running" in text
    assert "what was seen" in text


def test_a_break_that_the_shop_did_not_cause(kept):
    text = printed(report("wrong-type", at=6), kept)
    assert "in a different way than at the start" in text
    assert "what was seen" in text


def test_a_break_after_the_mistake_was_fixed(kept):
    kept.solve()
    assert "No worker is running" in printed(report("no-worker"), kept)


def test_a_flow_that_works(kept):
    kept.solve()
    text = printed(report(), kept)
    assert text.startswith("Fixed: the flow works.")
    assert "The mistake was: No worker is running (Procfile)." in text
    assert "#no-worker" in text
    assert "with no hint" in text
    assert "something else to look at" not in text


def test_a_flow_that_works_with_something_unsafe(kept):
    kept.solve()
    text = printed(report(findings=["csrf-unprotected"]), kept)
    assert text.startswith("Fixed: the flow works.")
    assert "something else to look at" in text


def test_a_project_that_does_not_start(kept):
    made = report("no-worker")
    made.results[:] = [
        Result(0, "start", BROKEN, diagnosis=Diagnosis.of(Unmet("no-worker", "x")))
    ]
    text = printed(made, kept)
    assert "The project does not start" in text
    assert "\n\n\n" not in text


def test_a_search_that_stops_before_the_stage_of_the_mistake(kept):
    made = report("no-worker", at=3)
    text = printed(made, kept)
    assert "A search stops at stage 3, queue." in text
    assert "The mistake was made at a different stage." in text
    assert "worker" not in text
    kept.turn.hints = 1
    assert "The mistake was made at stage 4, worker." in printed(made, kept)


def test_a_flow_that_cannot_be_judged(kept):
    text = printed(report("no-worker", state=CANNOT_JUDGE), kept)
    assert "cannot judge" in text
