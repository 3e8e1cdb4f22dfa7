"""Stage 4 · worker: claims a search, calls the API, saves the answer, announces it."""

import asyncio
import logging
import random
import time
import uuid
from contextlib import aclosing
from functools import cache
from textwrap import shorten

from celery import shared_task
from django.conf import settings
from django.utils.timezone import now
from httpx2 import Timeout, create_ssl_context
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from redis.exceptions import RedisError

from config.database import CONNECTION_ERRORS

from .answers import NoAnswer, explain, stream_answer
from .handlers import broadcast
from .health import api_errors, duration, ended, failed_pushes, first_word, takeovers
from .loop import begin, in_database, is_stopping, running
from .models import MOST_CLAIMS, SearchResult
from .signals import search_completed

logger = logging.getLogger(__name__)

MOST_TRIES = 3  # attempts to call the API, for one search
PUSH_EVERY = 0.05  # seconds between two chunks, too short to be noticed
SAVE_EVERY = 0.5  # seconds between two saves of an unfinished answer
# A worker sends and saves all its unfinished answers together at most this often per
# second. Otherwise, a thousand answers would need more time than a core has.
MOST_PUSHES, MOST_SAVES = 1000, 250
SILENT_FOR = 3  # seconds in which nothing is pushed, after a failed push

# A client looks through all its connections for each request. If a thousand searches
# shared one client, each of them would take a fifth more CPU time.
CLIENTS = 32
# All clients share the certificates: reading them takes longer than creating a client.
get_certificates = cache(create_ssl_context)

OUR_FAULT = "Something went wrong on our side."


@cache
def get_client(number):
    """Return a client. Raises the error that a wrong setting causes: a proxy whose
    package is not installed, a missing certificate file, or no key.
    """
    # No retries by the client: it would not retry a stream that breaks off, but it
    # would retry when the quota is used up.
    longest = max(settings.OPENAI_FIRST_WORD_SECONDS, settings.OPENAI_TIMEOUT_SECONDS)
    timeout = Timeout(longest, connect=settings.OPENAI_CONNECT_SECONDS)
    connections = DefaultAsyncHttpxClient(verify=get_certificates(), timeout=timeout)
    return AsyncOpenAI(http_client=connections, timeout=timeout, max_retries=0)


@shared_task(bind=True, ignore_result=True)
def fetch_openai_results_task(self, query, user_id):
    # The search itself is in the database: a message may arrive twice, or never. The
    # arguments are only for people who look into the queue.
    begin(search, self.request.id)


async def search(task_id):
    """Claim the search, get its answer, save the outcome, and announce it."""
    if is_stopping.is_set():
        return
    claim = uuid.uuid4()
    row = await in_database(SearchResult.take, task_id, claim)
    if row is None:
        # The message arrived twice, or the search was cancelled while it waited.
        logger.info("stage 4 · worker · %.8s · nothing to do", task_id)
        return
    running[claim] = asyncio.current_task()
    if row.claims > 1:
        takeovers.inc()
    try:
        error = await answer(row)
        if error:
            row.answer = ""  # an unfinished answer must not look complete
        is_saved = await finish(row, error)
    except asyncio.CancelledError:
        is_saved = False
    finally:
        del running[claim]
    if not is_saved:
        logger.info("stage 4 · worker · %.8s · cancelled, or taken over", row.task_id)
        return
    ended.labels(row.status).inc()
    duration.observe(seconds_since(row.created_at))
    outcome = shorten(row.answer or row.error, 60)
    logger.info("stage 4 · worker · %.8s · saved: %s", row.task_id, outcome)
    # A handler that fails must not fail the search: the answer is saved and paid for.
    results = await search_completed.asend_robust(
        sender=fetch_openai_results_task, search_result=row
    )
    for _, result in results:
        if isinstance(result, Exception):
            not_pushed(row, result)


async def answer(row):
    """Write the answer into the row. Return an error message, or ""."""
    if row.claims > MOST_CLAIMS:
        return "This search was started several times and never finished."
    try:
        async with asyncio.timeout(settings.OPENAI_ANSWER_SECONDS) as limit:
            for number in range(1, MOST_TRIES + 1):
                try:
                    await write(row)
                    return ""
                except NoAnswer as problem:
                    api_errors.labels(type(problem.__cause__ or problem).__name__).inc()
                    # Pauses grow. They are random, so that retries are spread out.
                    pause = random.uniform(0.5, 1) * 2 ** (number - 1)
                    # The API may say how long to wait.
                    pause = max(pause, problem.wait * random.uniform(1, 1.1))
                    resumes_at = asyncio.get_running_loop().time() + pause
                    is_last = number == MOST_TRIES or resumes_at > limit.when()
                    if is_last or not problem.is_passing:
                        return str(problem)
                    logger.info("%.8s · try %d: %s", row.task_id, number, problem)
                await asyncio.sleep(pause)
                # During the pause, the search may have been cancelled or taken over.
                if not await in_database(row.save_progress):
                    raise asyncio.CancelledError
    except TimeoutError:
        return "The answer took too long."
    except Exception:
        logger.exception("%.8s · unexpected error", row.task_id)
        return OUR_FAULT


async def finish(row, error):
    """Save the outcome. Return False if the search was cancelled or taken over."""
    try:
        return await in_database(row.finish, error)
    except CONNECTION_ERRORS:
        raise
    except Exception:
        # The database rejects this answer, and would reject it again.
        logger.exception("%.8s · unexpected error", row.task_id)
        row.answer = ""
        return await in_database(row.finish, OUR_FAULT)


async def write(row):
    """Read the API's stream into the row, and push it to the page. Raises NoAnswer."""
    try:
        client = get_client(row.pk % CLIENTS)
    except Exception as error:
        raise explain(error) from error
    row.answer, chunk = "", ""
    pushed = saved = 0.0
    async with aclosing(stream_answer(client, row.query)) as pieces:
        async for piece in pieces:
            if not row.answer:
                first_word.observe(seconds_since(row.created_at))
            row.answer += piece
            chunk += piece
            pause = max(PUSH_EVERY, len(running) / MOST_PUSHES)
            if time.monotonic() - pushed < pause:
                continue
            row.sequence += 1
            # Send the state first, which also replaces the text of an earlier attempt.
            await push(row, row.chunk(chunk) if pushed else row.state())
            chunk, pushed = "", time.monotonic()
            saved = saved or pushed  # count the time from the first push
            # Save only here, so that the saved `sequence` matches the text sent so far.
            if pushed - saved >= max(SAVE_EVERY, len(running) / MOST_SAVES):
                saved = pushed
                if not await in_database(row.save_progress):
                    raise asyncio.CancelledError
    if not row.answer.strip():
        raise NoAnswer("The API gave an empty answer.", False)


silent_until = 0.0


async def push(row, data):
    """Push to the page. If this fails, the page requests what it has missed."""
    global silent_until
    if time.monotonic() < silent_until:
        return
    try:
        await broadcast(row.user_id, data)
    except Exception as error:
        silent_until = time.monotonic() + SILENT_FOR
        not_pushed(row, error)


def not_pushed(row, error):
    failed_pushes.inc()
    # If Redis is down, one line per search is enough. Any other error is a mistake in
    # our code, so its traceback is needed.
    traceback = None if isinstance(error, RedisError | OSError) else error
    words = "%.8s · not pushed (%s): the page will request it"
    logger.warning(words, row.task_id, type(error).__name__, exc_info=traceback)


def seconds_since(time):
    return max(0.0, (now() - time).total_seconds())
