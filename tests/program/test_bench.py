"""`tutorial bench`: that it measures what it says. Never how fast: machines differ."""

import json
import subprocess
import sys

import openai
import pytest
import websockets

from tutorial.bench.api import TEXT
from tutorial.bench.client import open_socket
from tutorial.bench.figures import milliseconds, percentile, together
from tutorial.bench.pusher import news, push_all
from tutorial.bench.sections import SECTIONS, parse_sections
from tutorial.bench.table import Section, at_least, at_most, show
from tutorial.bench.visitors import FinalVisitor, multipart
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.waiting import wait_until


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command, and return its exit status and its output."""
    return subprocess.run(
        [sys.executable, "-m", "tutorial", "bench", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.long
def test_the_whole_flow_and_the_pushes():
    result = bench("--quick", "--only", "a,e", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["redis server"]
    assert found["seconds"] > 0
    assert list(found["sections"]) == ["a", "e"]

    overhead = found["sections"]["a"]
    rows = overhead["rows"]
    assert list(rows) == ["floor", "polling", "step 2", "step 7", "final"]
    assert rows["floor"]["count"] == found["sizes"]["fast_searches"]
    for figures in rows.values():
        assert 0 < figures["median_ms"] <= figures["p95_ms"] <= figures["p99_ms"]
        assert figures["times_floor"] == pytest.approx(
            figures["median_ms"] / rows["floor"]["median_ms"]
        )
        assert figures["times_faster_than_polling"] == pytest.approx(
            rows["polling"]["median_ms"] / figures["median_ms"]
        )
    assert rows["polling"]["median_ms"] >= 500
    assert rows["step 2"]["median_ms"] >= 3000
    for goal in overhead["goals"]:
        assert goal["candidate"] == "final"
        assert goal["is_met"] == (
            goal["value"] <= goal["bound"]
            if goal["is_most"]
            else goal["value"] >= goal["bound"]
        )
    assert not overhead["faults"]

    rows = found["sections"]["e"]["rows"]
    assert list(rows) == ["floor", "step 7", "final"]
    for figures in rows.values():
        assert figures["sent"] == figures["received"] > 0
        assert 0 < figures["median_ms"] <= figures["p99_ms"]


def test_an_unknown_section():
    result = bench("--only", "a,x")
    assert result.returncode == 1
    assert result.stderr == ("There is no section x. The sections are a, b, c, d, e.\n")


@pytest.mark.parametrize("rounds", ["0", "101", "many"])
def test_rounds_that_are_none(rounds):
    result = bench("--rounds", rounds)
    assert result.returncode == 2
    assert "a number from 1 to 100" in result.stderr


def test_sections_come_in_their_own_order():
    assert parse_sections("") == list(SECTIONS)
    assert parse_sections("e, A") == ["a", "e"]
    with pytest.raises(Problem):
        parse_sections("f")


def test_percentiles_are_values_that_were_measured():
    values = [float(number) for number in range(1, 201)]
    assert percentile(values, 50) == 100
    assert percentile(values, 95) == 190
    assert percentile(values, 99) == 198
    assert percentile([3.0], 99) == 3
    assert percentile([2.0, 1.0], 50) == 1


def test_milliseconds():
    assert milliseconds([0.001, 0.002, 0.004]) == {
        "count": 3,
        "median_ms": 2,
        "p95_ms": 4,
        "p99_ms": 4,
    }


def test_repeats_are_summed_where_they_count():
    repeats = [{"sent": 1, "rate": rate} for rate in (10.0, 30.0, 20.0)]
    assert together(repeats, ["sent"]) == {"sent": 3, "rate": 20}


def test_goals():
    assert at_most(3, "≤ {} x floor", 3.0).is_met
    assert not at_most(3, "≤ {} x floor", 3.01).is_met
    assert at_least(0.8, "≥ {} x floor", 0.8).is_met
    assert not at_least(3000, "≥ {} a second", 2999).is_met
    assert str(at_least(3000, "≥ {} a second", 2999)) == "MISSED: ≥ 3,000 a second"


@pytest.mark.parametrize(
    ("figure", "shown"),
    [(None, ""), (1234, "1,234"), (0.5, "0.50"), (12.34, "12.3"), (1234.5, "1,234")],
)
def test_figures_have_the_digits_that_they_deserve(figure, shown):
    assert show(figure) == shown


def test_a_table():
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


@pytest.fixture
def api():
    """The benchmark's API: a client of its own kind."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tutorial.bench.api", str(port)], cwd=ROOT
    )
    with openai.OpenAI(api_key="sk-", base_url=f"http://127.0.0.1:{port}/v1") as client:

        def answers():
            try:
                return client.get("/figures", cast_to=object) is not None
            except openai.APIConnectionError:
                return False

        wait_until(answers, seconds=20, otherwise="the API does not answer")
        yield client
    process.terminate()
    process.wait()


@pytest.mark.parametrize("latency", [0, 0.01])
def test_the_api_speaks_as_the_real_one_does(api, latency):
    pace = {"latency": latency, "pause": latency}
    api.post("/pace", body=pace, cast_to=object)
    response = api.responses.create(model="m", input="Whole?")
    assert response.output_text == TEXT
    events = list(api.responses.create(model="m", input="Streamed?", stream=True))
    assert "".join(e.delta for e in events if e.type.endswith("text.delta")) == TEXT
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == TEXT
    assert [event.sequence_number for event in events] == list(range(len(events)))
    figures = api.get("/figures", cast_to=object)
    assert figures["requests"] == 2
    assert list(figures["first_tokens"]) == ["Streamed?"]


async def test_the_client_reads_every_kind_of_frame():
    texts = ["", "short", "é" * 100, "x" * 70_000, "short", "end"]
    came = []

    async def send(socket):
        await socket.ping()
        for text in texts:
            await socket.send(text)
        await socket.wait_closed()

    for compression in (None, "deflate"):
        came.clear()
        async with websockets.serve(
            send, "127.0.0.1", 0, compression=compression
        ) as server:
            port = server.sockets[0].getsockname()[1]
            url = f"http://127.0.0.1:{port}"
            socket = await open_socket(url, "/", "", lambda text, at: came.append(text))
            assert await socket.answers()
            while len(came) < len(texts):
                assert await socket.answers()
            socket.close()
        assert [text.decode() for text in came] == texts
        assert not await socket.answers()


async def test_the_pusher_serves_everybody_in_turn():
    pushed = []

    async def push(user: int, data: dict) -> None:
        pushed.append((user, data["sequence"]))

    await push_all([1, 2, 3], 7, push)
    assert sorted(user for user, _ in pushed) == [1, 1, 1, 2, 2, 3, 3]
    assert sorted(number for _, number in pushed) == list(range(7))
    assert news(1)["pushed"] < news(2)["pushed"]


@pytest.mark.parametrize("first_words", ["chunk", "answer"])
async def test_the_first_words_count_wherever_they_come(first_words):
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


async def test_the_form_goes_as_formdata_sends_it():
    body, content_type = multipart({"task_id": "1", "query": "é?"})
    boundary = content_type.partition("boundary=")[2].encode()
    assert body.count(b"--" + boundary) == 3
    assert 'name="query"\r\n\r\né?\r\n'.encode() in body
    assert body.endswith(b"--" + boundary + b"--\r\n")
