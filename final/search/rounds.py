"""Stage 4 · worker: what each worker process does beside its searches.

Every two seconds or less it gives a sign of life for the searches that it does, and
takes up those that nobody answers for: their worker was killed, or their message was
lost. So no process has to watch over the workers. And when it is told to stop, it sees
to it that this has an end, and that no search is left lying.
"""

import asyncio
import logging
import time
from contextlib import suppress

from celery import current_app
from celery.bootsteps import StartStopStep
from celery.signals import worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from openai import OpenAIError

from .answers import get_client
from .models import STRIDE, SearchResult, Status
from .worker import get_loop, in_background, in_database, running, search

logger = logging.getLogger(__name__)

# Seconds: well within the lease, also where that is short.
ROUND = min(2, settings.SEARCH_LEASE_SECONDS / 4)
MOST_RUNNING = 100  # where a worker has so many, it leaves overlooked ones to others

is_stopping = asyncio.Event()


class Rounds(StartStopStep):
    # Before the worker looks for Redis: there are searches to do without it, too.
    requires = {"celery.worker.components:Pool"}

    def start(self, worker):
        asyncio.run_coroutine_threadsafe(make_rounds(), get_loop())


current_app.steps["worker"].add(Rounds)


async def make_rounds():
    # Takes a moment, and the first visitor need not wait for it. Without a key, each
    # search says that the API cannot be asked.
    with suppress(OpenAIError):
        get_client()
    is_watching_since = last = time.monotonic()
    while True:
        try:
            await keep_ours()
            # A database that was away let no worker give a sign of life. Before others
            # are taken for dead, they have the time of a lease to do so.
            if time.monotonic() - last > settings.SEARCH_LEASE_SECONDS / 2:
                is_watching_since = time.monotonic()
            last = time.monotonic()
            knows_the_dead = last - is_watching_since > settings.SEARCH_LEASE_SECONDS
            if not is_stopping.is_set():
                await take_up(knows_the_dead)
        except Exception:
            logger.exception("A round failed")
        await asyncio.sleep(ROUND)


async def keep_ours():
    """Renew the claims of our searches, and stop those that are no longer ours."""
    claims = set(running)
    held = await in_database(renew, claims)
    for claim in (claims - held) & running.keys():
        running[claim].cancel()


def renew(claims):
    held = SearchResult.objects.filter(claim__in=claims, status=Status.RUNNING)
    held.update(updated_at=Now())
    return set(held.values_list("claim", flat=True))


async def take_up(knows_the_dead):
    most = MOST_RUNNING - len(running)
    if most <= 0:
        return
    for task_id in await in_database(find_overlooked, knows_the_dead, most):
        logger.info("stage 4 · worker · %.8s · was overlooked", task_id)
        in_background(search(task_id))


def find_overlooked(knows_the_dead, most):
    rows = SearchResult.objects.overlooked()
    if not knows_the_dead:
        rows = rows.filter(status=Status.PENDING)
    return list(rows.values_list("task_id", flat=True)[:most])


@worker_shutting_down.connect
def stop(**kwargs):
    asyncio.run_coroutine_threadsafe(give_back_the_rest(), get_loop())


async def give_back_the_rest():
    """Let what is under way come to its end, but not for ever."""
    is_stopping.set()
    await asyncio.sleep(settings.SEARCH_GRACE_SECONDS)
    claims = set(running)
    await in_database(give_back, claims)
    for claim in claims & running.keys():
        running[claim].cancel()


def give_back(claims):
    """Others may take them at once, and this try does not count."""
    SearchResult.objects.filter(claim__in=claims, status=Status.RUNNING).update(
        status=Status.PENDING,
        claims=F("claims") - 1,
        sequence=F("sequence") + STRIDE,
        updated_at=Now(),
    )


@worker_shutdown.connect
def wait_for_the_rest(**kwargs):
    """Celery has waited for its own tasks; those that the rounds took up are left."""
    asyncio.run_coroutine_threadsafe(all_have_ended(), get_loop()).result()


async def all_have_ended():
    while running:
        await asyncio.sleep(0.1)
