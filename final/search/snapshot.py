"""The state of a user's searches: what a page starts from, and fixes itself by."""

# The newest ones; older ones have pages of their own.
SHOWN = 20


def snapshot_of(user, waiting=()):
    """The user's newest searches, newest first, and whose they are: for JSON.

    Behind them come those, by task_id, that a page still waits for.
    """
    searches = user.search_results.all()
    found = list(searches[:SHOWN])
    if older := set(waiting) - {search.task_id for search in found}:
        found += searches.filter(task_id__in=older)
    return {"user": user.id, "searches": [search.state() for search in found]}
