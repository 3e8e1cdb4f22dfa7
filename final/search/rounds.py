"""Stage 4 · worker: what each worker process does in addition to its searches.

Every two seconds or less, it renews the leases of its searches, and takes over searches
whose worker has died or whose message was lost. So no other process has to supervise
the workers. A process that is stopped waits for a limited time, and then gives back its
unfinished searches.
"""

import asyncio
import logging
import resource
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait

from celery.signals import worker_init, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from config.database import be_impatient
from config.redis_address import find_misconfiguration

from .health import serve_figures
from .loop import begin, begun, get_loop, in_database, is_stopping, running
from .models import STRIDE, SearchResult, Status
from .tasks import get_client, search

logger = logging.getLogger(__name__)

# The pause between two rounds, in seconds: much shorter than the lease.
ROUND = min(2, settings.SEARCH_LEASE_SECONDS / 4)

MOST_FILES = 10_240  # macOS rejects a higher limit
# Renewals have a separate thread, so that they never wait for saves.
database = ThreadPoolExecutor(1, "rounds")


# Start early: searches in the database can begin before the worker reaches Redis.
@worker_init.connect
def start(**kwargs):
    be_impatient()
    allow_many_connections()
    serve_figures()
    # Use a thread, so that the first round does not wait if Redis hangs.
    threading.Thread(target=report_redis, daemon=True).start()
    asyncio.run_coroutine_threadsafe(make_rounds(), get_loop())


def allow_many_connections():
    """Raise the limit of open files: each search needs a connection to the API."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = min(hard, MOST_FILES)
    if soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


async def make_rounds():
    # Load the certificates now, so that the first search does not wait for them. If
    # this fails, each search fails, with a message that the request could not be sent.
    try:
        get_client(0)
    except Exception as error:
        # The error's text may contain the password of a proxy.
        logger.critical("The API's client cannot be created: %s", type(error).__name__)
    watching_since = last = time.monotonic()
    while True:
        try:
            await keep_ours()
            # While the database was down, no worker could renew its leases. Wait for
            # the time of one lease before taking over searches of other workers.
            if time.monotonic() - last > settings.SEARCH_LEASE_SECONDS / 2:
                watching_since = time.monotonic()
            last = time.monotonic()
            knows_the_dead = last - watching_since > settings.SEARCH_LEASE_SECONDS
            if not is_stopping.is_set():
                await take_up(knows_the_dead)
        except Exception:
            logger.exception("A round failed")
        await asyncio.sleep(ROUND)


def report_redis():
    """Log what is wrong with the configuration of Redis."""
    if words := find_misconfiguration(settings.REDIS):
        logger.critical(words)


async def keep_ours():
    """Renew the leases of our searches, and stop those that others have claimed."""
    claims = set(running)
    held = await in_database(renew, claims, threads=database)
    for claim in (claims - held) & running.keys():
        running[claim].cancel()


def renew(claims):
    """Renew the leases of these claims. Return the claims that are still ours.

    A search that has just ended is still ours: we have to announce it. Rows that
    another transaction has locked are skipped, so that the other rows do not wait.
    """
    ours = SearchResult.objects.filter(claim__in=claims)
    with transaction.atomic():
        free = ours.filter(status=Status.RUNNING).select_for_update(skip_locked=True)
        keys = list(free.values_list("pk", flat=True))
        SearchResult.objects.filter(pk__in=keys).update(updated_at=Now())
    kept = ours.filter(status__in=[Status.RUNNING, Status.DONE, Status.FAILED])
    return set(kept.values_list("claim", flat=True))


async def take_up(knows_the_dead):
    most = settings.SEARCHES_PER_WORKER - len(running)
    arguments = (knows_the_dead, most, set(running))
    for task_id in await in_database(find_overlooked, *arguments, threads=database):
        if not begin(search, task_id, wait=False):
            break  # a worker with a free slot takes the search
        logger.info("stage 4 · worker · %.8s · was overlooked", task_id)


def find_overlooked(knows_the_dead, most, ours):
    # Our own searches may look abandoned while another transaction locks their rows.
    rows = SearchResult.objects.overlooked().exclude(claim__in=ours)
    if not knows_the_dead:
        rows = rows.filter(status=Status.PENDING)
    # While a row is locked, its search cannot be claimed.
    rows = rows.select_for_update(skip_locked=True)
    with transaction.atomic():
        return list(rows.values_list("task_id", flat=True)[:most])


@worker_shutting_down.connect
def stop(**kwargs):
    asyncio.run_coroutine_threadsafe(give_back_the_rest(), get_loop())


async def give_back_the_rest():
    """Let searches finish for a limited time, then give back the remaining ones."""
    is_stopping.set()
    await asyncio.sleep(settings.SEARCH_GRACE_SECONDS)
    while begun:  # includes searches that are still being claimed
        await in_database(give_back, set(running))
        await keep_ours()  # cancels the ones that were given back
        await asyncio.sleep(0.5)


def give_back(claims):
    """Release these claims for other workers, without counting them as attempts."""
    SearchResult.objects.filter(claim__in=claims, status=Status.RUNNING).update(
        status=Status.PENDING,
        claims=F("claims") - 1,
        sequence=F("sequence") + STRIDE,
        updated_at=Now(),
    )


@worker_shutdown.connect
def wait_for_the_rest(**kwargs):
    """Wait for the searches: Celery waits only for the tasks that start searches."""
    wait(begun)
