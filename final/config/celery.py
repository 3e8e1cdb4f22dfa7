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
    # Even with this setting, a busy worker takes up to two messages per thread. If a
    # search does not start in three seconds, other workers find it in the database.
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # During a failover, Redis rejects commands. Without this setting, such an error
    # stops the worker.
    broker_channel_error_retry=True,
    # After a lost connection, Celery logs messages about unfinished tasks. Turn them
    # off with the next two settings, because this app's tasks only start searches.
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_enable_prefetch_count_reduction=False,
)
