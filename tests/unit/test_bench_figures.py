"""The benchmark calculates its figures, and shows them in tables."""

import pytest

from tutorial.bench.figures import milliseconds, percentile, together
from tutorial.bench.pusher import news, push_all
from tutorial.bench.run import SECTIONS, parse_sections
from tutorial.bench.table import Section, at_least, at_most, show
from tutorial.bench.visitors import FinalVisitor, multipart
from tutorial.problem import Problem


def test_sections_come_in_a_fixed_order():
    assert parse_sections("") == list(SECTIONS)
    assert parse_sections("e, A") == ["a", "e"]
    with pytest.raises(Problem):
        parse_sections("x")


def test_percentiles_are_values_that_were_measured():
    values = [float(number) for number in range(1, 201)]
    assert percentile(values, 50) == 100
    assert percentile(values, 95) == 190
    assert percentile(values, 99) == 198
    assert percentile([3.0], 99) == 3
    assert percentile([2.0, 1.0], 50) == 1


def test_seconds_become_percentiles_in_milliseconds():
    assert milliseconds([0.001, 0.002, 0.004]) == {
        "count": 3,
        "median_ms": 2,
        "p95_ms": 4,
        "p99_ms": 4,
    }


def test_repeats_become_sums_of_counts_and_medians_of_other_figures():
    repeats = [{"sent": 1, "rate": rate} for rate in (10.0, 30.0, 20.0)]
    assert together(repeats, ["sent"]) == {"sent": 3, "rate": 20}


def test_a_goal_is_met_or_missed():
    assert at_most(3, "≤ {} x floor", 3.0).is_met
    assert not at_most(3, "≤ {} x floor", 3.01).is_met
    assert at_least(0.8, "≥ {} x floor", 0.8).is_met
    assert not at_least(3000, "≥ {} a second", 2999).is_met
    assert str(at_least(3000, "≥ {} a second", 2999)) == "MISSED: ≥ 3,000 a second"


@pytest.mark.parametrize(
    ("figure", "shown"),
    [(None, ""), (1234, "1,234"), (0.5, "0.50"), (12.34, "12.3"), (1234.5, "1,234")],
)
def test_large_figures_are_shown_with_fewer_decimals(figure, shown):
    assert show(figure) == shown


def test_a_table_shows_a_title_figures_goals_and_a_caption():
    section = Section("a", "Title", "Caption.", {"count": "searches", "ms": "ms"})
    section.rows = {"floor": {"count": 1000, "ms": 1.5}, "final": {"count": 20}}
    section.goals = {"final": [at_most(3, "≤ {} ms", 4), at_least(1, "some", 2)]}
    assert list(section.lines()) == [
        "(a) Title",
        "       searches    ms  goals",
        "floor     1,000  1.50",
        "final        20        MISSED: ≤ 3 ms; met: some",
        "Caption.",
    ]


async def test_the_pusher_serves_the_users_in_turn():
    pushed = []

    async def push(user: int, data: dict) -> None:
        pushed.append((user, data["sequence"]))

    await push_all([1, 2, 3], 7, push)
    assert sorted(user for user, _ in pushed) == [1, 1, 1, 2, 2, 3, 3]
    assert sorted(number for _, number in pushed) == list(range(7))
    assert news(1)["pushed"] < news(2)["pushed"]


@pytest.mark.parametrize("first_words", ["chunk", "answer"])
async def test_the_first_words_are_found_in_a_chunk_or_an_answer(first_words):
    visitor = FinalVisitor("http://127.0.0.1:1", 1)
    visitor.questions["id"] = "Why?"
    frames = [
        {"searches": []},
        {"task_id": "id", "status": "running", "query": "Why?", "answer": ""},
        {"task_id": "id", "status": "running", "query": "Why?", first_words: "Be"},
        {"task_id": "id", "chunk": "cause."},
        {"task_id": "id", "status": "done", "query": "Why?", "answer": "Because."},
    ]
    for moment, frame in enumerate(frames):
        visitor.read(frame, moment)
    assert await visitor.first_chunks.of("Why?") == 2
    assert await visitor.answers.of("Why?") == 4


async def test_the_form_is_sent_as_formdata():
    body, content_type = multipart({"task_id": "1", "query": "é?"})
    boundary = content_type.partition("boundary=")[2].encode()
    assert body.count(b"--" + boundary) == 3
    assert 'name="query"\r\n\r\né?\r\n'.encode() in body
    assert body.endswith(b"--" + boundary + b"--\r\n")
