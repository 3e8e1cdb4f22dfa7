"""Stage 4 · worker: does one search, from the claim to the announcement.

A search waits for the API nearly all of its time. So all searches of a worker process
run in one event loop, with one client and one database connection, and Celery's threads
only wait for them: a hundred cost little more than one.
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
from functools import cache
from textwrap import shorten

import uvloop
from django.db import InterfaceError, OperationalError, connection
from redis.exceptions import RedisError

from .answers import NoAnswer, stream_answer
from .live import broadcast
from .models import MOST_CLAIMS, SearchResult, Status
from .signals import search_completed

logger = logging.getLogger(__name__)

MOST_TRIES = 3  # of the API, for one search
LONGEST_ANSWER = 120  # seconds, all tries together
PUSH_EVERY = 0.05  # seconds between two chunks: an eye sees no difference
SAVE_EVERY = 0.5  # seconds between two saves of what is there of an answer
SILENT_FOR = 3  # seconds without chunks, after Redis did not take one
DATABASE_PATIENCE = 60  # seconds that an answer is kept for a database that is away

OUR_FAULT = "Something went wrong on our side."

# The thread that has the connection.
database = ThreadPoolExecutor(1, "database")
running = {}  # asyncio's task of each search that this process does, by its claim


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


def run_search(task_id):
    """Do the search, and return when it has ended."""
    asyncio.run_coroutine_threadsafe(search(task_id), get_loop()).result()


async def search(task_id):
    """Take the search, have it answered, save what came of it, announce that."""
    claim = uuid.uuid4()
    row = await in_database(SearchResult.take, task_id, claim)
    if row is None:
        # A message that came twice, or a search that was cancelled while it waited.
        logger.info("stage 4 · worker · %.8s · nothing to do", task_id)
        return
    running[claim] = asyncio.current_task()
    try:
        status, error = await answer(row)
        if error:
            row.answer = ""  # half of one would pass for a whole one
        is_saved = await finish(row, status, error)
    except asyncio.CancelledError:
        is_saved = False
    finally:
        del running[claim]
    if not is_saved:
        logger.info("stage 4 · worker · %.8s · is no longer ours", row.task_id)
        return
    outcome = shorten(row.answer or row.error, 60)
    logger.info("stage 4 · worker · %.8s · saved: %s", row.task_id, outcome)
    # Robust: a push that fails must not fail what is saved and paid for.
    results = await search_completed.asend_robust(sender=search, search_result=row)
    for _, result in results:
        if isinstance(result, Exception):
            not_pushed(row, result)


async def answer(row):
    """Fill in the row's answer. Its new status, and the error's words."""
    if row.claims > MOST_CLAIMS:
        return Status.FAILED, "This search was begun several times and never ended."
    try:
        async with asyncio.timeout(LONGEST_ANSWER):
            for number in range(1, MOST_TRIES + 1):
                try:
                    await write(row)
                    return Status.DONE, ""
                except NoAnswer as problem:
                    if not problem.is_passing or number == MOST_TRIES:
                        return Status.FAILED, str(problem)
                    logger.info("%.8s · try %d: %s", row.task_id, number, problem)
                # Longer each time, and not everybody at the same moment.
                await asyncio.sleep(random.uniform(0.5, 1) * 2 ** (number - 1))
                # Meanwhile it may have been cancelled, or taken by another worker.
                if not await in_database(row.save_progress):
                    raise asyncio.CancelledError
    except TimeoutError:
        return Status.FAILED, "The answer took too long."
    except Exception:
        logger.exception("%.8s · an error of our own", row.task_id)
        return Status.FAILED, OUR_FAULT


async def finish(row, status, error):
    """Whether the outcome is saved: it is no longer ours otherwise."""
    try:
        return await in_database(row.finish, status, error)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # The database does not take the answer. Asked again, it would be the same.
        logger.exception("%.8s · an error of our own", row.task_id)
        row.answer = ""
        return await in_database(row.finish, Status.FAILED, OUR_FAULT)


async def write(row):
    """Stream one answer into the row and, as it grows, to the page. Raises NoAnswer."""
    row.answer, chunk = "", ""
    pushed, saved = 0.0, time.monotonic()
    async with aclosing(stream_answer(row.query)) as pieces:
        async for piece in pieces:
            row.answer += piece
            chunk += piece
            if time.monotonic() - pushed < PUSH_EVERY:
                continue
            row.sequence += 1
            # First the state, which also takes back what an earlier try has written.
            await push(row, row.chunk(chunk) if pushed else row.state())
            chunk, pushed = "", time.monotonic()
            # Only here: what is saved under a number is what was sent up to it.
            if pushed - saved >= SAVE_EVERY:
                saved = pushed
                if not await in_database(row.save_progress):
                    raise asyncio.CancelledError
    if not row.answer.strip():
        raise NoAnswer("The API gave an empty answer.", False)


silent_until = 0.0


async def push(row, data):
    """News on the way. The page can do without: it asks for what it has missed."""
    global silent_until
    if time.monotonic() < silent_until:
        return
    try:
        await broadcast(row.user_id, data)
    except Exception as error:
        silent_until = time.monotonic() + SILENT_FOR
        not_pushed(row, error)


def not_pushed(row, error):
    # Redis goes away for all searches at once: a line for each is enough. Anything else
    # is a mistake of ours, and we want to know where.
    is_expected = isinstance(error, RedisError | OSError)
    logger.warning(
        "%.8s · not pushed (%s): the page asks for it",
        row.task_id,
        type(error).__name__,
        exc_info=None if is_expected else error,
    )


async def in_database(function, *arguments):
    """Call it in the database's thread; again, while the connection is broken."""
    deadline = time.monotonic() + DATABASE_PATIENCE
    while True:
        try:
            return await asyncio.get_running_loop().run_in_executor(
                database, in_thread, function, *arguments
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


kept = set()  # asyncio itself forgets a task that nobody holds


def in_background(coroutine):
    task = asyncio.ensure_future(coroutine)
    kept.add(task)
    task.add_done_callback(kept.discard)
    return task
