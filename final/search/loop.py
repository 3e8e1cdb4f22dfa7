"""Stage 4 · worker: where all searches of a worker process run, and how many.

A search waits for the API nearly all of its time. So all searches of a process
share one event loop, and a few clients and database connections: a thousand searches
need no thousand threads.
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
from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

DATABASE_PATIENCE = 60  # seconds that an answer is kept for a database that is away

# Threads that have a connection each. A row that somebody has locked holds up one of
# them, until the lock's time-out; the others go on.
database = ThreadPoolExecutor(4, "database")
# A place for each search that the process may have at once. If all are taken, Celery's
# task waits. Redis and the database keep the searches, and other workers can take them.
places = threading.BoundedSemaphore(settings.SEARCHES_PER_WORKER)
begun = set()  # the futures of those that have one
running = {}  # asyncio's task of each search that this process does, by its claim
# Set: this process begins no search. Other workers find them in the database.
is_stopping = threading.Event()


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


def begin(search, task_id, *, wait=True):
    """Begin search(task_id), once there is a place for it. False: there is none."""
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
