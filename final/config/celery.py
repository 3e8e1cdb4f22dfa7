"""The Celery app: reads CELERY_* from the settings and finds every app's tasks."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("config")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.update(
    # What a worker runs besides its tasks.
    imports=["search.rounds"],
    # A worker that is full still takes two messages for each thread. After three
    # seconds, other workers find those searches in the database.
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # During a failover, Redis rejects commands. Without this setting, that stops the
    # worker.
    broker_channel_error_retry=True,
    # Both are about tasks that are acknowledged late, which we do not have. Without a
    # value, Celery logs a warning.
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_enable_prefetch_count_reduction=False,
)
