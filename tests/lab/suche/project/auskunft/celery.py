import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auskunft.settings")

app = Celery("auskunft")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="aufgaben")
