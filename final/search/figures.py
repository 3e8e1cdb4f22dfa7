"""The figures of a process, for Prometheus. Web and worker each have their own."""

import logging

from django.conf import settings
from prometheus_client import Counter, Gauge, Histogram, start_http_server

logger = logging.getLogger(__name__)

SECONDS = (0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)

# Of the worker.
ended = Counter("search_ended", "Searches that have ended", ["outcome"])
first_word = Histogram(
    "search_first_word_seconds",
    "From the question to the first word of the answer",
    buckets=SECONDS,
)
duration = Histogram(
    "search_seconds", "From the question to the end of the search", buckets=SECONDS
)
api_errors = Counter("search_api_errors", "Failed requests to the API", ["kind"])
takeovers = Counter("search_takeovers", "Searches taken over from another worker")
failed_pushes = Counter("search_failed_pushes", "News that did not get to Redis")

# Of web.
sockets = Gauge("search_sockets", "Open WebSockets of this process")
silent = Gauge(
    "search_layer_silent_seconds",
    "Seconds without a message from Redis to this process; 0 while they arrive",
)
unfinished = Gauge("search_unfinished", "Searches that have not ended", ["status"])
oldest = Gauge(
    "search_oldest_seconds", "How long the oldest search of a status waits", ["status"]
)


def serve_figures():
    """Serve those of a worker at WORKER_METRICS, if it is set."""
    if not settings.WORKER_METRICS:
        return
    host, _, port = settings.WORKER_METRICS.rpartition(":")
    try:
        start_http_server(int(port), host)
    except (OSError, ValueError, OverflowError) as error:
        where = settings.WORKER_METRICS
        logger.critical("No figures at WORKER_METRICS=%s: %s", where, error)
