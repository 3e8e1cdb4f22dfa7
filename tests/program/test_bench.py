"""`tutorial bench` measures the right things.

The figures depend on the machine, so no test expects exact times.
"""

import json
import subprocess
import sys

import openai
import pytest
import websockets

from support.program import tutorial
from tutorial.bench.api import TEXT
from tutorial.bench.client import open_socket
from tutorial.paths import ROOT
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.waiting import wait_until


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `tutorial bench`, and return its exit status and its output."""
    return tutorial("bench", *arguments, seconds=300)


def bench_json(sections: str) -> dict:
    """Run a quick benchmark of these sections, and return the results."""
    result = bench("--quick", "--only", sections, "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert list(found["sections"]) == sections.split(",")
    return found


@pytest.mark.lab
def test_each_candidate_is_compared_with_the_minimal_program_and_polling():
    found = bench_json("a")
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["redis server"]
    assert found["seconds"] > 0

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


@pytest.mark.slow(20)
def test_every_push_is_received():
    rows = bench_json("e")["sections"]["e"]["rows"]
    assert list(rows) == ["floor", "step 7", "final"]
    for figures in rows.values():
        assert figures["sent"] == figures["received"] > 0
        assert 0 < figures["median_ms"] <= figures["p99_ms"]


@pytest.mark.lab
def test_two_workers_answer_every_search_of_a_crowd():
    result = bench("--only", "f", "--searches", "70", "--workers", "2", "--json")
    assert result.returncode == 0, result.stderr
    section = json.loads(result.stdout)["sections"]["f"]
    assert "one web process, 2 workers" in section["caption"]
    assert list(section["rows"]) == ["final, 5 searches", "final, 50 searches"]
    for figures in section["rows"].values():
        assert figures["sent"] == figures["received"] == figures["asked"]
        assert figures["search_cpu_ms"] > 0


def test_an_unknown_section_is_reported():
    result = bench("--only", "a,x")
    assert result.returncode == 1
    words = "There is no section x. The sections are a, b, c, d, e, f, g.\n"
    assert result.stderr == words


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--rounds", "0", "a number from 1 to 100"),
        ("--rounds", "101", "a number from 1 to 100"),
        ("--rounds", "many", "a number from 1 to 100"),
        ("--searches", "49", "a number from 50 to 10000"),
        ("--workers", "9", "a number from 1 to 8"),
    ],
)
def test_a_wrong_number_is_refused(option, value, expected):
    result = bench(option, value)
    assert result.returncode == 2
    assert expected in result.stderr


@pytest.fixture
def api():
    """Start the benchmark's API in a separate process, and yield a client of it."""
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
def test_the_api_answers_like_the_real_one(api, latency):
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
