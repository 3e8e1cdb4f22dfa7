"""Health checks and metrics for the operators of the app."""

import logging

from django.conf import settings
from django.db import Error, connection
from django.db.models import Count, Min
from django.db.models.functions import Now
from django.http import Http404, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    start_http_server,
)

from .models import SearchResult, Status

logger = logging.getLogger(__name__)

# The metrics of a process, for Prometheus. Each web process and worker has its own.
SECONDS = (0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)

# Metrics of a worker. A web process counts the searches that are cancelled.
ended = Counter("search_ended", "Searches that have ended", ["outcome"])
first_word = Histogram(
    "search_first_word_seconds", "From the question to the first word", buckets=SECONDS
)
duration = Histogram(
    "search_seconds", "From the question to the end of the search", buckets=SECONDS
)
api_errors = Counter("search_api_errors", "Failed requests to the API", ["kind"])
takeovers = Counter("search_takeovers", "Searches taken over from another worker")
failed_pushes = Counter("search_failed_pushes", "Messages that Redis did not accept")

# Metrics of a web process.
sockets = Gauge("search_sockets", "Open WebSockets of this process")
silent = Gauge(
    "search_layer_silent_seconds",
    "Seconds without a message from Redis to this process; 0 while messages arrive",
)
unfinished = Gauge("search_unfinished", "Searches that have not ended", ["status"])
oldest = Gauge(
    "search_oldest_seconds", "Age of the oldest search, for each status", ["status"]
)


@require_safe
def healthz(request):
    """Report that the process is alive. If a process does not respond, restart it."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request):
    """Report whether this process can accept searches from visitors.

    A process needs only the database to accept a search. If Redis or the workers are
    down, the search is answered when they are back. `metrics` shows their state.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        # Show only the type: the error's text may contain addresses and passwords.
        return JsonResponse({"database": type(error).__name__}, status=503)
    return JsonResponse({"database": "ok"})


@never_cache
@require_safe
def metrics(request):
    """Return the metrics for Prometheus. This requires METRICS_TOKEN or DEBUG."""
    may_see = settings.DEBUG
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        may_see = constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}")
    if not may_see:
        raise Http404
    for status in (Status.PENDING, Status.RUNNING):
        found = SearchResult.objects.filter(status=status).aggregate(
            count=Count("pk"), age=Now() - Min("created_at")
        )
        unfinished.labels(status).set(found["count"])
        oldest.labels(status).set(found["age"].total_seconds() if found["age"] else 0)
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def serve_figures():
    """Serve the metrics of a worker at WORKER_METRICS, if it is set."""
    if not (address := settings.WORKER_METRICS):
        return
    host, _, port = address.rpartition(":")
    try:
        start_http_server(int(port), host)
    except (OSError, ValueError, OverflowError) as error:
        logger.critical("No metrics at WORKER_METRICS=%s: %s", address, error)
