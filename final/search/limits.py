"""How much one user may ask: each search costs money."""

from datetime import timedelta
from math import ceil

from django.conf import settings
from django.db.models.functions import Now

WINDOW = timedelta(minutes=1)


def seconds_to_wait(user):
    """How long the user has to wait before another search: whole seconds, or 0."""
    recent = user.search_results.filter(created_at__gt=Now() - WINDOW)
    # As many as are allowed: the oldest of them has to leave the window first.
    allowed = recent.annotate(now=Now()).values_list("created_at", "now")
    newest = list(allowed[: settings.SEARCHES_PER_MINUTE])
    if len(newest) < settings.SEARCHES_PER_MINUTE:
        return 0
    asked_at, now = newest[-1]
    return max(1, ceil((asked_at + WINDOW - now).total_seconds()))
