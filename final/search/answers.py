"""Calls the OpenAI API, and turns its errors into messages for the visitor."""

import asyncio
import codecs
import logging
import time
from email.utils import parsedate_to_datetime

from django.conf import settings
from httpx2 import ReadTimeout
from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AsyncStream,
    OpenAIError,
)

logger = logging.getLogger(__name__)

INSTRUCTIONS = "Answer in a few short sentences of plain text."
# A retry may succeed if an error in a stream has one of these codes.
PASSING = (None, "server_error", "rate_limit_exceeded")
SILENT = "The API did not respond in time."
NO_QUOTA = "insufficient_quota"


class NoAnswer(Exception):
    """The reason why there is no answer, as a message for the visitor.

    `is_passing`: a retry may succeed, after `wait` seconds.
    """

    def __init__(self, words, is_passing, wait=0.0):
        super().__init__(words)
        self.is_passing = is_passing
        self.wait = wait


# Whether the API has refused to stream. Some organizations are not allowed to stream.
refuses_streams = False


async def stream_answer(client, query):
    """Yield the pieces of the answer as the API writes them. Raises NoAnswer."""
    global refuses_streams
    request = {
        "model": settings.OPENAI_MODEL,
        "instructions": INSTRUCTIONS,
        "input": query,
    }
    try:
        if not refuses_streams:
            try:
                async for piece in read_stream(client, request):
                    yield piece
                return
            except APIStatusError as error:
                if error.status_code != 400 or error.param != "stream":
                    raise
                logger.warning("The API does not stream the answers of this model")
                refuses_streams = True
        yield await read_whole(client, request)
    except OpenAIError as error:
        raise explain(error) from error


async def read_stream(client, request):
    """Yield the pieces of a streamed answer. Raises NoAnswer and OpenAIError."""
    # Two pieces may each contain half of a surrogate pair. Databases reject such a
    # half, and PostgreSQL also rejects NUL.
    halves = codecs.getincrementaldecoder("utf-16-le")("replace")
    is_whole = False
    try:
        # The same request as `responses.create`, but without typed events: with them, a
        # search takes 1.3 times as long.
        async with await client.post(
            "/responses",
            body={**request, "stream": True},
            cast_to=object,
            stream=True,
            stream_cls=AsyncStream[object],
        ) as stream:
            has_begun, events = False, aiter(stream)
            while event := await next_event(events, has_begun):
                match event["type"]:
                    case "response.output_text.delta":
                        has_begun = True
                        data = event["delta"].encode("utf-16-le", "surrogatepass")
                        yield halves.decode(data).replace("\0", "")
                    case "response.refusal.delta":
                        raise NoAnswer("The model declined to answer this.", False)
                    case "response.completed":
                        # Read the stream to its end: the client reuses a connection
                        # only if nothing is left in it.
                        is_whole = True
                    case "response.incomplete":
                        raise NoAnswer("The API ended its answer too early.", False)
                    case "response.failed":
                        error = event["response"].get("error") or {}
                        raise broken_off(error.get("code"))
                    case "error":
                        raise broken_off(event.get("code"))
    except (APIError, NoAnswer):
        if not is_whole:
            raise
    if not is_whole:
        # A stream that stops early raises no error.
        raise NoAnswer("The API's answer was cut off.", True)


async def next_event(events, has_begun):
    """Return the next event, or None at the end. Raises NoAnswer if none arrives."""
    patience = settings.OPENAI_FIRST_WORD_SECONDS
    if has_begun:
        patience = settings.OPENAI_TIMEOUT_SECONDS
    try:
        async with asyncio.timeout(patience):
            return await anext(events, None)
    except TimeoutError:
        # Before the first word, the model may still be thinking. A retry would double
        # the cost.
        raise NoAnswer(SILENT, has_begun) from None


async def read_whole(client, request):
    """Return an answer that is not streamed. Raises NoAnswer and OpenAIError."""
    response = await client.responses.create(**request)
    if not response.output_text and any(
        part.type == "refusal"
        for item in response.output
        for part in getattr(item, "content", None) or []
    ):
        raise NoAnswer("The model declined to answer this.", False)
    return response.output_text.replace("\0", "")


def explain(error):
    """Return NoAnswer for an error of the API's client, without the error's text.

    The text may hold a key. The error may also come from the creation of the client.
    """
    kind = type(error).__name__
    if isinstance(error, APITimeoutError) and isinstance(error.__cause__, ReadTimeout):
        return NoAnswer(SILENT, False)
    if isinstance(error, APIConnectionError):
        return NoAnswer(f"The API could not be reached ({kind}).", True)
    if not isinstance(error, APIError):
        return NoAnswer(f"The request to the API could not be sent ({kind}).", False)
    if not isinstance(error, APIStatusError):
        return broken_off(error.code)
    status, code = error.status_code, error.code
    is_passing = status in (408, 409, 429) or status >= 500
    if not is_passing or code == NO_QUOTA:
        # The operator has to act. This line contains neither the question nor the key.
        logger.error("API request rejected: status %s, %s, code %s", status, kind, code)
    if code == NO_QUOTA:
        return broken_off(code)
    if code == "model_not_found":
        return NoAnswer("The API does not offer the model that this site uses.", False)
    if status in (401, 403):
        return NoAnswer(f"The API rejected the key of this site ({kind}).", False)
    words = f"The API gave no answer ({kind})."
    return NoAnswer(words, is_passing, seconds_to_wait(error.response.headers))


def seconds_to_wait(headers):
    """Return the seconds in a Retry-After header of any format, or 0 without one."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        after = headers.get("retry-after", "0")
        if after.replace(".", "", 1).isdecimal():
            return float(after)
        return max(0.0, parsedate_to_datetime(after).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def broken_off(code):
    """Return the NoAnswer for an error in a stream. The code may be None."""
    if code == NO_QUOTA:
        return NoAnswer("This site has used up its quota at the API.", False)
    return NoAnswer("The API broke off its answer.", code in PASSING)
