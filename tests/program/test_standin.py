"""The offline stand-in speaks the Responses API as the `openai` package knows it."""

import re

import httpx2
import openai
import pytest

from tutorial.paths import ROOT
from tutorial.runtime import services
from tutorial.runtime.processes import Processes
from tutorial.standin import simulations
from tutorial.standin.passages import Library, Passage, read_passages


@pytest.fixture(scope="module")
def address():
    with Processes(lambda name, line: None) as processes:
        options = ("--latency", "0.05", "--pace", "0.001")
        _, variables = services.start_stand_in(processes, *options)
        yield variables["OPENAI_BASE_URL"]


@pytest.fixture
def client(address):
    with openai.OpenAI(
        base_url=address, api_key="offline-stand-in", max_retries=0, timeout=2
    ) as client:
        yield client


def ask(client, question, **options):
    return client.responses.create(model="gpt-5-mini", input=question, **options)


def simulate(client, name, **options):
    return ask(client, f"simulate: {name}", **options)


def test_a_whole_answer(client):
    response = ask(client, "What is a broker?")
    assert response.status == "completed"
    assert response.output_text.startswith(
        "A broker is the place where a message waits"
    )
    assert "offline stand-in" in response.output_text
    assert response.usage.total_tokens > 0


def test_a_stream(client):
    events = list(ask(client, "What is a broker?", stream=True))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [e.delta for e in events if e.type == "response.output_text.delta"]
    assert len(deltas) > 10
    assert "".join(deltas) == events[-1].response.output_text
    assert "".join(deltas) == ask(client, "What is a broker?").output_text


def test_every_part_of_an_answer_is_one_that_the_package_knows(client):
    response = ask(client, "What is a broker?")
    type(response).model_validate(response.to_dict(), strict=False)
    for event in ask(client, "What is a broker?", stream=True):
        assert not type(event).__name__.startswith("_")
        type(event).model_validate(event.to_dict(), strict=False)


def test_the_question_may_be_a_list_of_messages(client):
    messages = [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": [{"type": "input_text", "text": "What is ASGI?"}]},
    ]
    assert "ASGI" in ask(client, messages).output_text


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("What is a broker?", "Broker"),
        ("what does delay do", "delay"),
        ("Tell me about workers", "Worker"),
        ("why a channel layer?", "Channel layer"),
        ("What is a consumer?", "Consumer"),
        ("what is a websocket", "WebSocket"),
        ("Why is my user a guest?", "Guest"),
        ("Nothing happens!", "When nothing happens"),
    ],
)
def test_the_answer_is_the_passage_that_fits(question, title):
    assert Library(read_passages(ROOT)).best(question).title == title


@pytest.mark.parametrize("question", ["What is Python?", "How do I install Redis?"])
def test_the_answer_is_no_code(question):
    passage = Library(read_passages(ROOT)).best(question)
    assert not re.search(r"pip install|python3? -?m? ?manage|\bcd ", passage.text)


@pytest.mark.parametrize("question", ["", "???", 'quo"te', "xyzzy", "NEAR(a b) OR *"])
def test_a_question_that_nothing_fits_is_answered_too(question):
    # Its own, so that no page of the tutorial happens to have one of the words.
    broker = Passage("Broker", "It holds the messages.", "docs/glossary.md")
    assert Library([broker]).best("Who holds them?") == broker
    assert Library([broker]).best(question) is None


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    ("name", "error", "code"),
    [
        ("rate limit", openai.RateLimitError, "rate_limit_exceeded"),
        ("no quota", openai.RateLimitError, "insufficient_quota"),
        ("server error", openai.InternalServerError, None),
        ("bad key", openai.AuthenticationError, "invalid_api_key"),
    ],
)
def test_simulated_errors(client, name, error, code, streams):
    with pytest.raises(error) as raised:
        simulate(client, name, stream=streams)
    assert raised.value.code == code


def test_simulated_hiccup(client):
    with pytest.raises(openai.InternalServerError):
        simulate(client, "hiccup")
    assert simulate(client, "hiccup").output_text


@pytest.mark.parametrize("name", ["silence", "slow", "stalled stream"])
def test_simulated_silence(client, name):
    with pytest.raises(openai.APITimeoutError):
        simulate(client.with_options(timeout=0.3), name)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("stalled stream", openai.APITimeoutError),
        ("cut stream", openai.APIConnectionError),
    ],
)
def test_simulated_break_in_a_stream(client, name, error):
    seen = []
    with pytest.raises(error):
        for event in simulate(client.with_options(timeout=0.5), name, stream=True):
            seen.append(event.type)
    assert "response.output_text.delta" in seen
    assert "response.completed" not in seen


def test_simulated_cut_of_a_whole_answer(client):
    with pytest.raises(openai.APIConnectionError):
        simulate(client, "cut stream")


def test_simulated_stream_without_its_end(client):
    seen = [event.type for event in simulate(client, "no end", stream=True)]
    assert "response.output_text.done" in seen
    assert "response.completed" not in seen


def test_simulated_refusal(client):
    response = simulate(client, "refusal")
    assert response.output_text == ""
    assert response.output[0].content[0].refusal
    seen = [event.type for event in simulate(client, "refusal", stream=True)]
    assert "response.refusal.delta" in seen


def test_simulated_script(client):
    assert "<script>" in simulate(client, "script").output_text


def test_each_simulation_has_its_test():
    text = (ROOT / "tests" / "test_standin.py").read_text()
    for simulation in simulations.SIMULATIONS:
        assert f'"{simulation.name}"' in text


def test_a_wrong_or_missing_key(client, address):
    with pytest.raises(openai.AuthenticationError):
        ask(client.with_options(api_key="wrong-key"), "What is a broker?")
    assert httpx2.post(f"{address}/responses", json={}).status_code == 401


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"model": 1, "input": "a"}'])
def test_a_request_that_is_none(address, body):
    headers = {"Authorization": "Bearer offline-stand-in"}
    answer = httpx2.post(f"{address}/responses", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_it_lists_its_simulations(address):
    text = httpx2.get(address.removesuffix("v1")).text
    for simulation in simulations.SIMULATIONS:
        assert f"simulate: {simulation.name}" in text


def test_it_tells_what_it_was_asked(client, address):
    ask(client, "Was I asked?", stream=True).close()
    record = httpx2.get(f"{address}/requests").json()[-1]
    assert record.pop("answer")
    assert record == {
        "path": "/v1/responses",
        "status": 200,
        "input": "Was I asked?",
        "model": "gpt-5-mini",
        "stream": True,
    }


def test_it_refuses_a_placeholder_for_a_key(client, address):
    with pytest.raises(openai.AuthenticationError):
        ask(client.with_options(api_key="your-api-key"), "What is a broker?")
    refused = httpx2.get(f"{address}/requests").json()[-1]
    assert (refused["status"], refused["path"]) == (401, "/v1/responses")
    assert ask(client.with_options(api_key="sk-" + "x" * 20), "What is a broker?")
