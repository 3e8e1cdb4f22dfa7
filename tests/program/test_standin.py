"""The offline stand-in implements the Responses API as the `openai` package expects."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import openai
import pytest

from tutorial.runtime import services
from tutorial.runtime.processes import Processes
from tutorial.runtime.waiting import wait_until
from tutorial.standin import simulations


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


def test_a_request_without_a_stream_gets_a_whole_answer(client):
    response = ask(client, "What is a broker?")
    assert response.status == "completed"
    assert response.output_text.startswith(
        "A broker is the place where a message waits"
    )
    assert "offline stand-in" in response.output_text
    assert response.usage.total_tokens > 0


def test_with_the_numbered_option_each_question_has_a_different_answer():
    questions = ["What is a broker?", "What is a broker, please?", "xyzzy", "xyzzy 2"]
    with Processes(lambda name, line: None) as processes:
        _, variables = services.start_stand_in(processes, "--numbered")
        with openai.OpenAI(
            base_url=variables["OPENAI_BASE_URL"], api_key="offline-stand-in"
        ) as client:
            answers = [ask(client, question).output_text for question in questions]
            again = [ask(client, question).output_text for question in questions]
    assert len(set(answers)) == len(questions), answers
    assert again == answers
    assert answers[1].startswith("Answer 2: A broker is the place where")
    assert "(here docs/" not in "".join(answers)


def test_a_stream_contains_the_same_answer_in_pieces(client):
    events = list(ask(client, "What is a broker?", stream=True))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [e.delta for e in events if e.type == "response.output_text.delta"]
    assert len(deltas) > 10
    assert "".join(deltas) == events[-1].response.output_text
    assert "".join(deltas) == ask(client, "What is a broker?").output_text


def test_the_openai_package_knows_every_part_of_a_response(client):
    response = ask(client, "What is a broker?")
    type(response).model_validate(response.to_dict(), strict=False)
    for event in ask(client, "What is a broker?", stream=True):
        assert not type(event).__name__.startswith("_")
        type(event).model_validate(event.to_dict(), strict=False)


def test_a_chat_completion_has_the_same_text_with_and_without_a_stream(client):
    messages = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "What is a broker?"},
    ]
    create = client.chat.completions.create
    whole = create(model="gpt-5-mini", messages=messages)
    type(whole).model_validate(whole.to_dict(), strict=False)
    text = whole.choices[0].message.content
    assert text == ask(client, "What is a broker?").output_text
    chunks = list(create(model="gpt-5-mini", messages=messages, stream=True))
    for chunk in chunks:
        type(chunk).model_validate(chunk.to_dict(), strict=False)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == text
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("stream", [False, True])
def test_simulations_work_for_chat_completions_as_well(client, stream):
    def simulate(name):
        messages = [{"role": "user", "content": f"simulate: {name}"}]
        answer = client.chat.completions.create(
            model="gpt-5-mini", messages=messages, stream=stream
        )
        return list(answer) if stream else answer.choices[0].message.refusal

    with pytest.raises(openai.AuthenticationError):
        simulate("bad key")
    if stream:
        assert simulate("no end")[-1].choices[0].finish_reason is None
    else:
        assert "can't help" in simulate("refusal")


def test_the_question_may_be_a_list_of_messages(client):
    messages = [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": [{"type": "input_text", "text": "What is ASGI?"}]},
    ]
    assert "ASGI" in ask(client, messages).output_text


DELTA = "response.output_text.delta"

# How each simulation ends, first without a stream and then with a stream.
ENDS = {
    "rate limit": ["RateLimitError rate_limit_exceeded"] * 2,
    "no quota": ["RateLimitError insufficient_quota"] * 2,
    "server error": ["InternalServerError None"] * 2,
    "hiccup": ["InternalServerError None"] * 2,  # only the first time
    "bad key": ["AuthenticationError invalid_api_key"] * 2,
    "busy": ["RateLimitError rate_limit_exceeded"] * 2,  # only the first time
    "closed": ["RateLimitError rate_limit_exceeded"] * 2,
    "no model": ["NotFoundError model_not_found"] * 2,
    "no stream": ["completed", "BadRequestError unsupported_value"],
    "thinking": ["completed", "response.in_progress, APITimeoutError None"],
    "slow": ["APITimeoutError None"] * 2,
    "silence": ["APITimeoutError None"] * 2,
    "cut stream": ["APIConnectionError None", f"{DELTA}, APIConnectionError None"],
    "stalled stream": ["APITimeoutError None", f"{DELTA}, APITimeoutError None"],
    "no end": ["completed", "response.output_item.done"],
    "refusal": ["completed", "response.completed"],
    "script": ["completed", "response.completed"],
}


def end_of(client, question, streams):
    """Return how a response ends, as a text.

    The text contains the last event of a stream, or the status of a response without a
    stream. If there was an error, the text also contains the error.
    """
    last = []
    try:
        if streams:
            for event in ask(client, question, stream=True):
                last = [event.type]
        else:
            last = [ask(client, question).status]
    except openai.OpenAIError as error:
        last.append(f"{type(error).__name__} {error.code}")
    return ", ".join(last)


def test_the_table_of_ends_contains_every_simulation():
    assert [simulation.name for simulation in simulations.SIMULATIONS] == list(ENDS)


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("name", ENDS)
def test_each_simulation_ends_as_in_the_table_of_ends(client, name, streams):
    impatient = client.with_options(timeout=0.5)
    # Use a new question: the stand-in counts how often each question is asked.
    question = f"simulate: {name}" + " " * streams
    assert end_of(impatient, question, streams) == ENDS[name][streams]


@pytest.mark.parametrize(
    ("question", "is_one"),
    [
        ('Explain it to a child: "simulate: bad key"', True),
        ("You are an assistant.\n\nSIMULATE:  bad key ", True),
        ("simulate: bad key, or not", False),
        ("simulate: nothing", False),
    ],
)
def test_a_simulation_is_found_only_at_the_end_of_a_prompt(question, is_one):
    assert bool(simulations.find(question)) == is_one


def test_the_hiccup_simulation_fails_only_the_first_time(client):
    with pytest.raises(openai.InternalServerError):
        ask(client, "Simulate: hiccup")
    assert ask(client, "Simulate: hiccup").output_text


def test_the_refusal_simulation_has_no_answer_text(client):
    response = simulate(client, "refusal")
    assert response.output_text == ""
    assert response.output[0].content[0].refusal
    seen = [event.type for event in simulate(client, "refusal", stream=True)]
    assert "response.refusal.delta" in seen


def test_the_script_simulation_answers_with_a_script_element(client):
    assert "<script>" in simulate(client, "script").output_text


def test_a_wrong_or_missing_key_is_refused(client, address):
    with pytest.raises(openai.AuthenticationError):
        ask(client.with_options(api_key="wrong-key"), "What is a broker?")
    assert httpx2.post(f"{address}/responses", json={}).status_code == 401


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"model": 1, "input": "a"}'])
def test_a_malformed_request_is_refused(address, body):
    headers = {"Authorization": "Bearer offline-stand-in"}
    answer = httpx2.post(f"{address}/responses", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_the_stand_in_lists_its_simulations(address):
    text = httpx2.get(address.removesuffix("v1")).text
    for simulation in simulations.SIMULATIONS:
        assert f"simulate: {simulation.name}" in text


def test_the_stand_in_lists_its_requests(client, address):
    began = time.time()
    ask(client, "Was I asked?", stream=True).close()
    record = httpx2.get(f"{address}/requests").json()[-1]
    assert record.pop("answer")
    assert began <= record.pop("time") <= time.time()
    assert record == {
        "path": "/v1/responses",
        "status": 200,
        "input": "Was I asked?",
        "model": "gpt-5-mini",
        "stream": True,
    }


def test_simultaneous_requests_are_printed_on_separate_lines():
    count, lines = 200, []
    with Processes(lambda name, line: lines.append(line)) as processes:
        _, variables = services.start_stand_in(processes)
        page = httpx2.URL(variables["OPENAI_BASE_URL"]).copy_with(path="/")
        with httpx2.Client() as browser, ThreadPoolExecutor(16) as pool:
            assert all(pool.map(lambda _: browser.get(page).text, range(count)))

        def printed() -> list[str]:
            return [line for line in lines if "GET" in line or not line.strip()]

        wait_until(
            lambda: len(printed()) >= count,
            seconds=10,
            otherwise=lambda: f"{len(printed())} lines",
        )
    assert set(printed()) == {"GET / 200"}


def test_the_stand_in_refuses_a_placeholder_as_a_key(client, address):
    with pytest.raises(openai.AuthenticationError):
        ask(client.with_options(api_key="your-api-key"), "What is a broker?")
    refused = httpx2.get(f"{address}/requests").json()[-1]
    assert (refused["status"], refused["path"]) == (401, "/v1/responses")
    assert ask(client.with_options(api_key="sk-" + "x" * 20), "What is a broker?")
