"""Is it alive, is it ready, and what is it doing: for those who run the app."""

from django.conf import settings
from django.db import Error, connection
from django.db.models import Count, Min
from django.db.models.functions import Now
from django.http import Http404, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from .figures import oldest, unfinished
from .models import SearchResult, Status


@require_safe
def healthz(request):
    """The process is alive, whatever else happens. If not, start it again."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request):
    """This process can accept a search and keep it. If not, send it no visitor.

    That takes the database alone: a search that was accepted while Redis or the workers
    were away is answered once they are back. They are figures of `metrics`.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        # Its kind alone: the text of an error may hold addresses and passwords.
        return JsonResponse({"database": type(error).__name__}, status=503)
    return JsonResponse({"database": "ok"})


@never_cache
@require_safe
def metrics(request):
    """The figures, for Prometheus: with METRICS_TOKEN, or while debugging."""
    if not may_see_figures(request):
        raise Http404
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


def may_see_figures(request):
    if not settings.METRICS_TOKEN:
        return settings.DEBUG
    given = request.headers.get("Authorization", "")
    return constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}")
