"""How much one user may ask: each search costs money."""

from datetime import timedelta
from math import ceil

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models.functions import Now

WINDOW = timedelta(minutes=1)


def wait_for_turn(user):
    """Let no other transaction start a search for the user until this one ends.

    Or who asks ten times at once would be found to have asked for nothing, ten times.
    SQLite leaves this out, and has one transaction at a time anyway.
    """
    users = get_user_model().objects.filter(pk=user.pk)
    users.select_for_update(no_key=True).exists()


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
