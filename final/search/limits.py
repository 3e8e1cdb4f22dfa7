"""How much one user may ask: each search costs money."""

from datetime import timedelta
from math import ceil

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models.functions import Now
from django.utils.timezone import now

from .models import SearchResult

WINDOW = timedelta(minutes=1)


def wait_for_turn(user):
    """Let no other transaction start a search for the user until this one ends.

    Otherwise ten questions that arrive at once would all pass the limit. SQLite has no
    row locks, but it has one writing transaction at a time anyway.
    """
    if connection.features.has_select_for_update:
        users = get_user_model().objects.filter(pk=user.pk)
        users.select_for_update(no_key=True).exists()


def seconds_to_wait(user):
    """How long the user has to wait before another search: whole seconds, or 0."""
    # By the database's clock, which also wrote `created_at`.
    recent = SearchResult.objects.filter(user=user, created_at__gt=Now() - WINDOW)
    # There is room again when the oldest of the allowed searches leaves the window.
    last = settings.SEARCHES_PER_MINUTE - 1
    for asked_at in recent.values_list("created_at", flat=True)[last : last + 1]:
        left = ceil((asked_at + WINDOW - now()).total_seconds())
        return min(max(1, left), WINDOW.seconds)
    return 0
