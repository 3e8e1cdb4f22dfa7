"""The state of a user's searches, from which a page starts and catches up."""

from .models import SearchResult

# The newest ones; older ones have pages of their own.
SHOWN = 20


def searches_of(user):
    """The user's searches, newest first. A visitor without a user has none."""
    return SearchResult.objects.filter(user_id=user.pk)


def snapshot_of(user, waiting=()):
    """The user's id and newest searches, newest first, for JSON.

    After them come the older ones, by task_id, that a page is still waiting for.
    """
    searches = searches_of(user)
    found = list(searches[:SHOWN])
    if older := set(waiting) - {search.task_id for search in found}:
        found += searches.filter(task_id__in=older)
    return {"user": user.pk, "searches": [search.state() for search in found]}
