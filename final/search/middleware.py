"""Says in plain words that the database is away, instead of showing an error page."""

import logging
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, JsonResponse
from django.views import defaults

from .negotiation import wants_json

logger = logging.getLogger(__name__)

WORDS = "The site cannot save your question right now. Try again in a few seconds."


class DatabaseAwayMiddleware:
    """Answers instead of a view that could not use the database."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        return explain(request, exception)


def server_error(request):
    """Django's handler500: the database may fail outside of a view, too.

    Django saves the session of a new guest when the view has ended.
    """
    return explain(request, sys.exception()) or defaults.server_error(request)


def explain(request, error):
    """The response for an error of the database; None for other errors."""
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    logger.error("The database does not answer: %s", error)
    headers = {"Retry-After": "5"}
    if wants_json(request):
        return JsonResponse({"error": WORDS}, status=503, headers=headers)
    return HttpResponse(WORDS, "text/plain", status=503, headers=headers)
