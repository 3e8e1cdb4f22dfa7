"""Stage 4 · worker: runs all searches of a worker process, and limits their number.

A search spends nearly all of its time waiting for the API. So all searches of a process
share one event loop, and a few clients and database connections. A thousand searches do
not need a thousand threads.
"""

import asyncio
import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import uvloop
from django.conf import settings
from django.db import connection

from config.database import CONNECTION_ERRORS

logger = logging.getLogger(__name__)

DATABASE_PATIENCE = 60  # seconds that an answer is kept while the database is down

# Threads with one connection each. A locked row blocks only one of them, until the
# lock's timeout.
database = ThreadPoolExecutor(4, "database")
# One slot for each search that the process may handle at once. If no slot is free, the
# next Celery task waits. Other workers can take searches from Redis and the database.
slots = threading.BoundedSemaphore(settings.SEARCHES_PER_WORKER)
begun = set()  # the futures of the searches that have a slot
running = {}  # the asyncio task of each search of this process, by claim
# If set, this process starts no searches. Other workers find them in the database.
is_stopping = threading.Event()


@cache
def get_loop():
    """Return the process's event loop, which runs in a separate thread."""
    loop = uvloop.new_event_loop()

    def run():
        try:
            loop.run_forever()
        finally:
            # Without the loop, this process would take messages and do nothing.
            logger.critical("The event loop has ended, so the worker ends, too.")
            os._exit(1)

    threading.Thread(target=run, name="searches", daemon=True).start()
    return loop


def begin(search, task_id, *, wait=True):
    """Start search(task_id). Without `wait`, return False if there is no free slot."""
    if not slots.acquire(wait):
        return False
    future = asyncio.run_coroutine_threadsafe(search(task_id), get_loop())
    begun.add(future)
    future.add_done_callback(partial(end, task_id))
    return True


def end(task_id, future):
    begun.discard(future)
    slots.release()
    # A search raises an error, for example, if its outcome cannot be saved.
    if not future.cancelled() and (error := future.exception()):
        logger.error("stage 4 · worker · %.8s · given up", task_id, exc_info=error)


async def in_database(function, *arguments, threads=database):
    """Call the function in a database thread. Retry while the database is down."""
    deadline = time.monotonic() + DATABASE_PATIENCE
    while True:
        try:
            return await asyncio.get_running_loop().run_in_executor(
                threads, in_thread, function, *arguments
            )
        except CONNECTION_ERRORS as error:
            if time.monotonic() > deadline:
                raise
            logger.warning("The database does not answer: %s", error)
            await asyncio.sleep(1)


def in_thread(function, *arguments):
    try:
        return function(*arguments)
    except CONNECTION_ERRORS:
        connection.close()
        raise
