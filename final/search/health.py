"""Is it alive, is it ready, and what is it doing: for whoever runs the app."""

from celery import current_app
from django.db import connection
from django.db.models import Count, Min
from django.db.models.functions import Now
from django.http import HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from .models import SearchResult, Status

sockets = Gauge("search_sockets", "Open WebSockets of this process")
unfinished = Gauge("search_unfinished", "Searches that have not ended", ["status"])
oldest = Gauge(
    "search_oldest_seconds", "How long the oldest search of a status waits", ["status"]
)


@require_safe
def healthz(request):
    """Live: the process answers. Where it does not, start it anew."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request):
    """Ready: a search that is accepted now gets done. Where not, send nobody here."""
    checks = {"database": ask_database, "redis": ask_redis, "worker": ask_worker}
    found = {}
    for name, check in checks.items():
        try:
            check()
            found[name] = "ok"
        except Exception as error:
            # Its kind alone: the text of an error may hold addresses and passwords.
            found[name] = type(error).__name__
    is_ready = set(found.values()) == {"ok"}
    return JsonResponse(found, status=200 if is_ready else 503)


def ask_database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def ask_redis():
    with current_app.connection_for_read() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0)


def ask_worker():
    # Returns with the first answer, and waits for no other.
    if not current_app.control.broadcast("ping", reply=True, limit=1, timeout=2):
        raise TimeoutError


@never_cache
@require_safe
def metrics(request):
    """The figures, for Prometheus."""
    rows = SearchResult.objects.unfinished().order_by().values("status")
    found = {
        row["status"]: row
        for row in rows.annotate(count=Count("pk"), since=Min("created_at"), now=Now())
    }
    for status in (Status.PENDING, Status.RUNNING):
        row = found.get(status)
        unfinished.labels(status).set(row["count"] if row else 0)
        age = (row["now"] - row["since"]).total_seconds() if row else 0
        oldest.labels(status).set(age)
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
