"""Stage 4 · worker: does one search, from the claim to the announcement.

A search waits for the API nearly all of its time. So all searches of a worker process
run in one event loop, with one client and a few database connections. Celery's task
only begins a search: a thousand searches need no thousand threads.
"""

import asyncio
import logging
import os
import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import cache, partial
from textwrap import shorten

import uvloop
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils.timezone import now
from redis.exceptions import RedisError

from .answers import NoAnswer, stream_answer
from .figures import api_errors, duration, ended, failed_pushes, first_word, takeovers
from .live import broadcast
from .models import MOST_CLAIMS, SearchResult, Status
from .signals import search_completed

logger = logging.getLogger(__name__)

MOST_TRIES = 3  # of the API, for one search
PUSH_EVERY = 0.05  # seconds between two chunks: an eye sees no difference
SAVE_EVERY = 0.5  # seconds between two saves of what is there of an answer
SILENT_FOR = 3  # seconds without chunks, after Redis did not take one
DATABASE_PATIENCE = 60  # seconds that an answer is kept for a database that is away

OUR_FAULT = "Something went wrong on our side."

# Threads that have a connection each. A row that somebody has locked holds up one of
# them, until the lock's time-out; the others go on.
database = ThreadPoolExecutor(4, "database")
running = {}  # asyncio's task of each search that this process does, by its claim
is_stopping = threading.Event()  # begins nothing more: others find it in the database


@cache
def get_loop():
    """The process's event loop, in a thread of its own."""
    loop = uvloop.new_event_loop()

    def run():
        try:
            loop.run_forever()
        finally:
            # Without it this process would take messages and do nothing.
            logger.critical("The event loop has ended, and the worker with it.")
            os._exit(1)

    threading.Thread(target=run, name="searches", daemon=True).start()
    return loop


# A place for each search that the process may have at once. If all are taken, Celery's
# task waits. Redis and the database keep the searches, and other workers can take them.
places = threading.BoundedSemaphore(settings.SEARCHES_PER_WORKER)
begun = set()  # the futures of those that have one


def begin(task_id, *, wait=True):
    """Begin the search, once there is a place for it. False: there is none."""
    if not places.acquire(wait):
        return False
    future = asyncio.run_coroutine_threadsafe(search(task_id), get_loop())
    begun.add(future)
    future.add_done_callback(partial(end, task_id))
    return True


def end(task_id, future):
    begun.discard(future)
    places.release()
    # The database, perhaps, did not take what came of it.
    if not future.cancelled() and (error := future.exception()):
        logger.error("stage 4 · worker · %.8s · given up", task_id, exc_info=error)


async def search(task_id):
    """Take the search, have it answered, save what came of it, announce that."""
    if is_stopping.is_set():
        return
    claim = uuid.uuid4()
    row = await in_database(SearchResult.take, task_id, claim)
    if row is None:
        # A message that came twice, or a search that was cancelled while it waited.
        logger.info("stage 4 · worker · %.8s · nothing to do", task_id)
        return
    running[claim] = asyncio.current_task()
    if row.claims > 1:
        takeovers.inc()
    try:
        status, error = await answer(row)
        if error:
            row.answer = ""  # never show half an answer as a whole one
        is_saved = await finish(row, status, error)
    except asyncio.CancelledError:
        is_saved = False
    finally:
        del running[claim]
    if not is_saved:
        logger.info("stage 4 · worker · %.8s · is no longer ours", row.task_id)
        return
    ended.labels(row.status).inc()
    duration.observe(seconds_since(row.created_at))
    outcome = shorten(row.answer or row.error, 60)
    logger.info("stage 4 · worker · %.8s · saved: %s", row.task_id, outcome)
    # Robust: the answer is saved and paid for, even if the push fails.
    results = await search_completed.asend_robust(sender=search, search_result=row)
    for _, result in results:
        if isinstance(result, Exception):
            not_pushed(row, result)


async def answer(row):
    """Fill in the row's answer. Return its new status, and an error message or ""."""
    if row.claims > MOST_CLAIMS:
        return (
            Status.FAILED,
            "This search was started several times and never finished.",
        )
    try:
        ends_at = time.monotonic() + settings.OPENAI_ANSWER_SECONDS
        async with asyncio.timeout(settings.OPENAI_ANSWER_SECONDS):
            for number in range(1, MOST_TRIES + 1):
                try:
                    await write(row)
                    return Status.DONE, ""
                except NoAnswer as problem:
                    api_errors.labels(problem.kind).inc()
                    # Longer each time, and at random: not all searches at once.
                    pause = random.uniform(0.5, 1) * 2 ** (number - 1)
                    # The API may say how long to wait.
                    pause = max(pause, problem.wait * random.uniform(1, 1.1))
                    is_too_late = time.monotonic() + pause > ends_at
                    if not problem.is_passing or number == MOST_TRIES or is_too_late:
                        return Status.FAILED, str(problem)
                    logger.info("%.8s · try %d: %s", row.task_id, number, problem)
                await asyncio.sleep(pause)
                # Meanwhile it may have been cancelled, or taken by another worker.
                if not await in_database(row.save_progress):
                    raise asyncio.CancelledError
    except TimeoutError:
        return Status.FAILED, "The answer took too long."
    except Exception:
        logger.exception("%.8s · an error of our own", row.task_id)
        return Status.FAILED, OUR_FAULT


async def finish(row, status, error):
    """Save the outcome. False if another worker has claimed the search."""
    try:
        return await in_database(row.finish, status, error)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # The database refuses this answer. It would refuse it again.
        logger.exception("%.8s · an error of our own", row.task_id)
        row.answer = ""
        return await in_database(row.finish, Status.FAILED, OUR_FAULT)


async def write(row):
    """Stream one answer into the row and, as it grows, to the page. Raises NoAnswer."""
    row.answer, chunk = "", ""
    pushed, saved = 0.0, time.monotonic()
    async with aclosing(stream_answer(row.query)) as pieces:
        async for piece in pieces:
            if not row.answer:
                first_word.observe(seconds_since(row.created_at))
            row.answer += piece
            chunk += piece
            if time.monotonic() - pushed < PUSH_EVERY:
                continue
            row.sequence += 1
            # First the state, which also replaces what an earlier attempt has written.
            await push(row, row.chunk(chunk) if pushed else row.state())
            chunk, pushed = "", time.monotonic()
            # Save only here, so that a saved number covers exactly the text sent so
            # far.
            if pushed - saved >= SAVE_EVERY:
                saved = pushed
                if not await in_database(row.save_progress):
                    raise asyncio.CancelledError
    if not row.answer.strip():
        raise NoAnswer("The API gave an empty answer.", False)


silent_until = 0.0


async def push(row, data):
    """Push to the page. If that fails, the page asks for what it has missed."""
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
    # If Redis is away, one line per search is enough. Any other error is a mistake in
    # our code, so its traceback is needed.
    is_expected = isinstance(error, RedisError | OSError)
    logger.warning(
        "%.8s · not pushed (%s): the page asks for it",
        row.task_id,
        type(error).__name__,
        exc_info=None if is_expected else error,
    )


def seconds_since(time):
    return max(0.0, (now() - time).total_seconds())


async def in_database(function, *arguments, threads=database):
    """Call it in a database thread. Try again while the database is away."""
    deadline = time.monotonic() + DATABASE_PATIENCE
    while True:
        try:
            return await asyncio.get_running_loop().run_in_executor(
                threads, in_thread, function, *arguments
            )
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > deadline:
                raise
            logger.warning("The database does not answer: %s", error)
            await asyncio.sleep(1)


def in_thread(function, *arguments):
    try:
        return function(*arguments)
    except (OperationalError, InterfaceError):
        connection.close()
        raise
