"""What a visitor sees, or what the page's script receives, when a request fails."""

import logging
import sys

from django.http import HttpResponse, JsonResponse
from django.utils.deprecation import MiddlewareMixin
from django.views import csrf, defaults

from config.database import CONNECTION_ERRORS

logger = logging.getLogger(__name__)

DATABASE_AWAY = (
    "The site cannot save your question right now. Try again in a few seconds."
)
NOT_VERIFIED = "The site could not verify this form. Load the page again, then send it."


def wants_json(request):
    """Return whether the request comes from the page's script, which reads JSON."""
    kinds = ["text/html", "application/json"]
    return request.get_preferred_type(kinds) == "application/json"


def database_away(request, error):
    """Return a response with status 503, or None if the error has another reason."""
    if not isinstance(error, CONNECTION_ERRORS):
        return None
    logger.error("The database does not answer: %s", error)
    headers = {"Retry-After": "5"}
    if wants_json(request):
        return JsonResponse({"error": DATABASE_AWAY}, status=503, headers=headers)
    return HttpResponse(DATABASE_AWAY, "text/plain", status=503, headers=headers)


class DatabaseAwayMiddleware(MiddlewareMixin):
    """Responds with status 503 if a view cannot use the database."""

    def process_exception(self, request, error):
        return database_away(request, error)


def server_error(request):
    """Respond with 500, or with 503 if the database failed outside of a view.

    For example, Django saves the session of a new guest after the view has returned.
    """
    response = database_away(request, sys.exception())
    return response or defaults.server_error(request)


def csrf_failure(request, reason=""):
    """Respond with Django's own page, or with JSON if the page's script sent the form.

    The usual cause is that the visitor has logged in or out in another tab. Another
    possible cause is a wrong SITE_ORIGINS. Django logs the reason.
    """
    if wants_json(request):
        return JsonResponse({"error": NOT_VERIFIED}, status=403)
    return csrf.csrf_failure(request, reason)
