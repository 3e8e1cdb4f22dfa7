"""The Celery app: reads CELERY_* from the settings and finds every app's tasks."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("config")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.update(
    # What a worker runs in addition to its tasks.
    imports=["search.rounds"],
    # A busy worker still takes up to two messages for each thread. After three seconds,
    # other workers find these searches in the database.
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # During a failover, Redis rejects commands. Without this setting, such an error
    # stops the worker.
    broker_channel_error_retry=True,
    # Without the next two settings, Celery logs messages after a lost connection. The
    # messages are about unfinished tasks, but this app's tasks only start searches.
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_enable_prefetch_count_reduction=False,
)
