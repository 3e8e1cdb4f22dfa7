"""Stage 4 · worker: the message that says that there is a search to do."""

import logging
import time

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

SILENT_FOR = 3  # seconds without a try, after Redis did not take a message
_silent_until = 0.0


@shared_task(ignore_result=True)
def fetch_openai_results_task(query, user_id):
    # The search itself is in the database: a message may arrive twice, or never. The
    # arguments are for people who look into the queue.
    from .worker import begin

    begin(fetch_openai_results_task.request.id)


def enqueue(search):
    """Send the task's message after the commit, so that the worker finds the row."""
    transaction.on_commit(lambda: send_message(search))


def send_message(search):
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        fetch_openai_results_task.apply_async(
            kwargs={"query": search.query, "user_id": search.user_id},
            task_id=str(search.task_id),
        )
    except OperationalError as error:
        # Nothing is lost: workers also look for searches without a message. And if
        # Redis hangs, only one visitor waits for it.
        _silent_until = time.monotonic() + SILENT_FOR
        logger.warning(
            "stage 3 · queue · %.8s · not sent: %s",
            search.task_id,
            type(error.__cause__ or error).__name__,
        )
    else:
        logger.info(
            "stage 3 · queue · %.8s · the message waits in Redis", search.task_id
        )
