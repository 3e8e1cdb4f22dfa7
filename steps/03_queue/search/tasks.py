"""Stage 4 · worker: for now, a placeholder that takes as long as a real answer."""

import time

from celery import shared_task


@shared_task
def fetch_openai_results_task(query, user_id):
    time.sleep(3)
