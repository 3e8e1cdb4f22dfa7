"""Says in plain words that the database is away, instead of showing an error page."""

import logging

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, JsonResponse

from .negotiation import wants_json

logger = logging.getLogger(__name__)

WORDS = "The site cannot save your question right now. Try again in a few seconds."


class DatabaseAwayMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if not isinstance(exception, OperationalError | InterfaceError):
            return None
        logger.error("The database does not answer: %s", exception)
        headers = {"Retry-After": "5"}
        if wants_json(request):
            return JsonResponse({"error": WORDS}, status=503, headers=headers)
        return HttpResponse(WORDS, "text/plain", status=503, headers=headers)
