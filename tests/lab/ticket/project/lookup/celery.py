import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lookup.settings")

app = Celery("lookup")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
