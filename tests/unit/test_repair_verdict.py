"""In a folder of the repair shop, `check` does not reveal the mistake too early."""

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
    """Return a report of a flow.

    The flow breaks at stage `at` if `mistake` is given. Otherwise, it works.
    """
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


def test_the_verdict_says_only_where_a_search_stops(kept):
    text = printed(report("no-worker"), kept)
    assert text.startswith("Still broken. A search stops at stage 4, worker.")
    assert "seen 3" in text
    assert "--hint" in text
    for secret in ("No worker is running", "Procfile", "what was seen", "no-worker"):
        assert secret not in text


def test_after_the_last_hint_the_verdict_names_the_mistake(kept):
    kept.turn.hints = 3
    text = printed(report("no-worker"), kept)
    assert "No worker is running" in text
    assert "what was seen" in text


def test_a_mistake_that_the_shop_did_not_make_is_described(kept):
    text = printed(report("wrong-type", at=6), kept)
    assert "in a different way than at the start" in text
    assert "what was seen" in text


def test_after_the_fix_a_flow_that_breaks_again_is_described_in_full(kept):
    kept.solve()
    assert "No worker is running" in printed(report("no-worker"), kept)


def test_after_the_fix_the_verdict_names_the_mistake(kept):
    kept.solve()
    text = printed(report(), kept)
    assert text.startswith("Fixed: the flow works.")
    assert "The mistake was: No worker is running (Procfile)." in text
    assert "#no-worker" in text
    assert "with no hint" in text
    assert "something else to look at" not in text


def test_the_verdict_mentions_unsafe_code_if_the_flow_works(kept):
    kept.solve()
    text = printed(report(findings=["csrf-unprotected"]), kept)
    assert text.startswith("Fixed: the flow works.")
    assert "something else to look at" in text


def test_a_project_that_does_not_start_is_reported(kept):
    made = report("no-worker")
    made.results[:] = [
        Result(0, "start", BROKEN, diagnosis=Diagnosis.of(Unmet("no-worker", "x")))
    ]
    text = printed(made, kept)
    assert "The project does not start" in text
    assert "\n\n\n" not in text


def test_the_verdict_says_that_the_mistake_is_at_a_different_stage(kept):
    made = report("no-worker", at=3)
    text = printed(made, kept)
    assert "A search stops at stage 3, queue." in text
    assert "The mistake was made at a different stage." in text
    assert "worker" not in text
    kept.turn.hints = 1
    assert "The mistake was made at stage 4, worker." in printed(made, kept)


def test_the_verdict_says_that_the_flow_cannot_be_judged(kept):
    text = printed(report("no-worker", state=CANNOT_JUDGE), kept)
    assert "cannot judge" in text
