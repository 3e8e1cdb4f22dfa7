"""Stage 4 · worker: calls the OpenAI API and saves the answer."""

import logging
from functools import cache
from textwrap import shorten

from celery import shared_task
from django.conf import settings
from openai import OpenAI, OpenAIError

from .models import SearchResult
from .signals import search_completed

logger = logging.getLogger(__name__)


@cache
def get_client():
    # Do not create the client at import: without an API key, OpenAI() fails, and `web`
    # imports this module, too. All threads share the client. If two of them make the
    # first call at the same moment, two clients are made: both work, and one is kept.
    # No retries: a visitor is waiting and should soon hear of a failure.
    return OpenAI(timeout=30, max_retries=0)


@shared_task(bind=True)
def fetch_openai_results_task(self, query, user_id):
    task_id = self.request.id
    answer = ""
    try:
        response = get_client().responses.create(
            model=settings.OPENAI_MODEL,
            instructions="Answer in a few short sentences of plain text.",
            input=query,
        )
        answer = response.output_text
        error = "" if answer else "The API gave an empty answer."
    except OpenAIError as problem:
        # Save only the kind of error: its message may contain parts of the API key.
        error = f"The API gave no answer ({type(problem).__name__})."

    search_result = SearchResult.objects.create(
        task_id=task_id, user_id=user_id, query=query, answer=answer, error=error
    )
    outcome = search_result.answer or search_result.error
    logger.info("stage 4 · worker · %.8s · saved: %s", task_id, shorten(outcome, 60))
    search_completed.send(sender=fetch_openai_results_task, search_result=search_result)
