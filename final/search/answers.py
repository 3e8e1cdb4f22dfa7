"""Asks the OpenAI API, and says what went wrong in words for the visitor."""

import codecs
from functools import cache

from django.conf import settings
from httpx2 import Timeout
from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    AsyncOpenAI,
    AsyncStream,
    OpenAIError,
)

INSTRUCTIONS = "Answer in a few short sentences of plain text."
# What a second try may not meet any more, by the code of an error in a stream.
PASSING = (None, "server_error", "rate_limit_exceeded")


class NoAnswer(Exception):
    """Why there is no answer, for the visitor; and whether to ask again makes sense."""

    def __init__(self, words, is_passing):
        super().__init__(words)
        self.is_passing = is_passing


@cache
def get_client():
    # One for the whole process. Its own retries know nothing of a stream that breaks
    # off, and ask again where the quota is used up: so it tries once.
    timeout = Timeout(settings.OPENAI_TIMEOUT_SECONDS, connect=5)
    return AsyncOpenAI(timeout=timeout, max_retries=0)


async def stream_answer(query):
    """The pieces of the answer, as the API writes them. Raises NoAnswer."""
    # JSON may name half a character, and the other half in the next piece. Or never: no
    # database takes it then, and PostgreSQL no NUL either.
    halves = codecs.getincrementaldecoder("utf-16-le")("replace")
    request = {
        "model": settings.OPENAI_MODEL,
        "instructions": INSTRUCTIONS,
        "input": query,
        "stream": True,
    }
    is_whole = False
    try:
        # As `responses.create` does it, but for its typed events: to make them takes
        # longer than all else that a worker does for an answer.
        async with await get_client().post(
            "/responses",
            body=request,
            cast_to=object,
            stream=True,
            stream_cls=AsyncStream[object],
        ) as stream:
            async for event in stream:
                match event["type"]:
                    case "response.output_text.delta":
                        data = event["delta"].encode("utf-16-le", "surrogatepass")
                        yield halves.decode(data).replace("\0", "")
                    case "response.refusal.delta":
                        raise NoAnswer("The model declined to answer this.", False)
                    case "response.completed":
                        # Not the end: who leaves before it loses the connection.
                        is_whole = True
                    case "response.incomplete":
                        raise NoAnswer("The API ended its answer too early.", False)
                    case "response.failed":
                        error = event["response"].get("error") or {}
                        raise broken_off(error.get("code"))
                    case "error":
                        raise broken_off(event.get("code"))
    except OpenAIError as error:
        if not is_whole:
            raise explain(error) from error
    if not is_whole:
        # A stream that just stops raises nothing.
        raise NoAnswer("The API's answer broke off.", True)


def explain(error):
    """The NoAnswer for a client's error, without its text: that may hold a key."""
    kind = type(error).__name__
    if isinstance(error, APIConnectionError):  # time-outs, too
        return NoAnswer(f"The API could not be reached ({kind}).", True)
    if not isinstance(error, APIError):
        return NoAnswer(f"The API could not be asked ({kind}).", False)
    if not isinstance(error, APIStatusError) or error.code == "insufficient_quota":
        return broken_off(error.code)
    if error.status_code in (401, 403):
        return NoAnswer(f"The API does not let this site in ({kind}).", False)
    is_passing = error.status_code in (408, 409, 429) or error.status_code >= 500
    return NoAnswer(f"The API gave no answer ({kind}).", is_passing)


def broken_off(code):
    """The NoAnswer for an error with this code, or without one, in a stream."""
    if code == "insufficient_quota":
        return NoAnswer("This site has used up its quota at the API.", False)
    return NoAnswer("The API broke off its answer.", code in PASSING)
