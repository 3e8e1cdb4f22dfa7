"""The API's events and errors become pieces of an answer, or messages for visitors."""

import asyncio
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
    """Return a fake of OpenAI's client. A test sets its events, answer, or error.

    A number among the events is a pause, in seconds.
    """
    api = SimpleNamespace(events=[], whole=None, error=None, asked=[])

    class Stream:
        async def __aenter__(self):
            return self

        async def __aexit__(self, *error):
            return None

        async def __aiter__(self):
            for event in api.events:
                if isinstance(event, float):
                    await asyncio.sleep(event)  # the API sends nothing
                else:
                    yield event

    async def post(path, *, body, **options):
        api.asked.append(body)
        if api.error:
            raise api.error
        return Stream()

    async def create(**request):
        api.asked.append(request)
        return api.whole

    api.post, api.responses = post, SimpleNamespace(create=create)
    monkeypatch.setattr(answers, "refuses_streams", False)
    return api


async def ask(api):
    return [piece async for piece in answers.stream_answer(api, "Why?")]


async def test_each_piece_of_a_streamed_answer_is_yielded(api):
    api.events = [event("response.created"), delta("Be"), delta("cause."), COMPLETED]
    assert await ask(api) == ["Be", "cause."]
    assert api.asked[0]["input"] == "Why?"
    assert api.asked[0]["stream"] is True


async def test_half_a_character_waits_for_the_other_half(api):
    halves = [delta("hi \ud83d"), delta("\ude00"), delta("\ude00 \ud83d"), COMPLETED]
    api.events = halves
    assert "".join(await ask(api)) == "hi \N{GRINNING FACE}\N{REPLACEMENT CHARACTER} "


async def test_nul_characters_are_removed_from_an_answer(api):
    api.events = [delta("Be\0cause."), COMPLETED]
    assert await ask(api) == ["Because."]


async def test_events_after_the_end_are_ignored(api):
    api.events = [delta("Because."), COMPLETED, event("something.new")]
    assert await ask(api) == ["Because."]


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
async def test_an_answer_without_its_last_event_is_a_failure(api, events, is_passing):
    api.events = events
    with pytest.raises(answers.NoAnswer) as caught:
        await ask(api)
    assert caught.value.is_passing == is_passing


def status_error(status, code=None, param=None, **headers):
    message = "Incorrect API key provided: sk-secret"
    body = {"code": code, "message": message, "param": param}
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, request=REQUEST, headers=headers)
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
        # The client raises APIError for an error in the middle of a stream.
        (openai.APIError("", REQUEST, body={"code": "server_error"}), True),
        (openai.APIError("", REQUEST, body={"type": "server_error"}), True),
        (openai.APIError("", REQUEST, body={"code": "insufficient_quota"}), False),
        (openai.OpenAIError("The api_key sk-secret is not set"), False),
    ],
)
async def test_an_error_is_either_temporary_or_permanent(api, error, is_passing):
    api.error = error
    with pytest.raises(answers.NoAnswer) as caught:
        await ask(api)
    assert caught.value.is_passing == is_passing
    assert "sk-secret" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after_ms": "1500", "retry_after": "7"}, 1.5),
        ({"retry_after": "Fri, 01 Jan 2100 00:00:00 GMT"}, 60 * 60 * 24),
        ({"retry_after": "Fri, 01 Jan 1999 00:00:00 GMT"}, 0),
        ({"retry_after": "soon"}, 0),
        ({"retry_after": "-3"}, 0),
        ({}, 0),
    ],
)
async def test_the_retry_after_header_is_read_in_each_format(api, headers, seconds):
    api.error = status_error(429, **headers)
    with pytest.raises(answers.NoAnswer) as caught:
        await ask(api)
    assert caught.value.is_passing
    if seconds < 60:
        assert caught.value.wait == pytest.approx(seconds)
    else:
        assert caught.value.wait > seconds


async def test_an_api_that_refuses_to_stream_is_asked_for_a_whole_answer(api, caplog):
    api.error = status_error(400, "unsupported_value", "stream")
    api.whole = SimpleNamespace(output_text="Because\0.", output=[])
    assert await ask(api) == ["Because."]
    api.asked.clear()
    assert await ask(api) == ["Because."]
    # The second answer is requested without trying a stream first.
    assert ["stream" in request for request in api.asked] == [False]
    assert caplog.text.count("does not stream") == 1


async def test_an_error_for_the_operator_is_logged_without_secrets(api, caplog):
    api.error = status_error(404, "model_not_found")
    with pytest.raises(answers.NoAnswer, match="does not offer the model"):
        await ask(api)
    assert "status 404" in caplog.text
    assert "model_not_found" in caplog.text
    assert "sk-secret" not in caplog.text
    assert "Why?" not in caplog.text


async def test_the_first_word_has_a_longer_timeout_than_later_words(api, settings):
    settings.OPENAI_FIRST_WORD_SECONDS = 0.5
    settings.OPENAI_TIMEOUT_SECONDS = 0.02
    api.events = [event("response.created"), 0.2, delta("Be"), 0.2, COMPLETED]
    with pytest.raises(answers.NoAnswer, match="respond in time") as caught:
        await ask(api)
    assert caught.value.is_passing
    api.events = [event("response.created"), 0.2, delta("Because."), COMPLETED]
    assert await ask(api) == ["Because."]
    # If both timeouts are equal, a timeout before the first word is still detected.
    settings.OPENAI_FIRST_WORD_SECONDS = settings.OPENAI_TIMEOUT_SECONDS
    with pytest.raises(answers.NoAnswer, match="respond in time") as caught:
        await ask(api)
    # The request is not repeated, because that would double the cost.
    assert not caught.value.is_passing
