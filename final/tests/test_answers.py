"""The API's events and errors become pieces of an answer, or messages for people."""

from types import SimpleNamespace

import httpx2
import openai
import pytest

from search import answers

REQUEST = httpx2.Request("POST", "http://api.test/v1/responses")


def delta(text):
    return {"type": "response.output_text.delta", "delta": text}


def event(kind, code=None):
    error = {"error": code and {"code": code}}
    return {"type": kind, "delta": "", "code": code, "response": error}


COMPLETED = event("response.completed")


@pytest.fixture
def api(monkeypatch):
    """A fake of OpenAI's client: set the events that it streams, or its error."""
    api = SimpleNamespace(events=[], error=None, asked=[])

    class Stream:
        async def __aenter__(self):
            return self

        async def __aexit__(self, *error):
            return None

        async def __aiter__(self):
            for event in api.events:
                yield event

    async def post(path, *, body, **options):
        api.asked.append(body)
        if api.error:
            raise api.error
        return Stream()

    client = SimpleNamespace(post=post)
    monkeypatch.setattr(answers, "get_client", lambda: client)
    return api


async def ask():
    return [piece async for piece in answers.stream_answer("Why?")]


async def test_the_pieces_come_as_they_are_written(api):
    api.events = [event("response.created"), delta("Be"), delta("cause."), COMPLETED]
    assert await ask() == ["Be", "cause."]
    assert api.asked[0]["input"] == "Why?"
    assert api.asked[0]["stream"] is True


async def test_half_a_character_waits_for_the_other_half(api):
    halves = [delta("hi \ud83d"), delta("\ude00"), delta("\ude00 \ud83d"), COMPLETED]
    api.events = halves
    assert "".join(await ask()) == "hi \N{GRINNING FACE}\N{REPLACEMENT CHARACTER} "


async def test_there_is_no_nul_in_an_answer(api):
    api.events = [delta("Be\0cause."), COMPLETED]
    assert await ask() == ["Because."]


async def test_what_comes_after_the_end_does_no_harm(api):
    api.events = [delta("Because."), COMPLETED, event("something.new")]
    assert await ask() == ["Because."]


@pytest.mark.parametrize(
    ("events", "is_passing"),
    [
        ([delta("Be")], True),
        ([delta("Be"), event("response.failed")], True),
        ([delta("Be"), event("error")], True),
        ([event("response.failed", "server_error")], True),
        ([event("response.failed", "invalid_prompt")], False),
        ([event("error", "insufficient_quota")], False),
        ([delta("Be"), event("response.incomplete")], False),
        ([event("response.refusal.delta")], False),
    ],
)
async def test_an_answer_without_its_proper_end_is_a_failure(api, events, is_passing):
    api.events = events
    with pytest.raises(answers.NoAnswer) as caught:
        await ask()
    assert caught.value.is_passing == is_passing


def status_error(status, code=None):
    body = {"code": code, "message": "Incorrect API key provided: sk-secret"}
    response = httpx2.Response(status, request=REQUEST)
    return openai.APIStatusError(body["message"], response=response, body=body)


@pytest.mark.parametrize(
    ("error", "is_passing"),
    [
        (openai.APIConnectionError(request=REQUEST), True),
        (openai.APITimeoutError(request=REQUEST), True),
        (status_error(408), True),
        (status_error(409), True),
        (status_error(429), True),
        (status_error(500), True),
        (status_error(503), True),
        (status_error(400), False),
        (status_error(401), False),
        (status_error(403), False),
        (status_error(404), False),
        (status_error(429, "insufficient_quota"), False),
        # What the client makes of an error in the middle of a stream.
        (openai.APIError("", REQUEST, body={"code": "server_error"}), True),
        (openai.APIError("", REQUEST, body={"type": "server_error"}), True),
        (openai.APIError("", REQUEST, body={"code": "insufficient_quota"}), False),
        (openai.OpenAIError("The api_key sk-secret is not set"), False),
    ],
)
async def test_passing_and_lasting_failures_are_distinguished(api, error, is_passing):
    api.error = error
    with pytest.raises(answers.NoAnswer) as caught:
        await ask()
    assert caught.value.is_passing == is_passing
    assert "sk-secret" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_there_is_one_client_for_all_searches(monkeypatch, settings):
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    settings.OPENAI_TIMEOUT_SECONDS = 7
    answers.get_client.cache_clear()
    client = answers.get_client()
    assert client is answers.get_client()
    assert (client.timeout.read, client.max_retries) == (7, 0)
    answers.get_client.cache_clear()
