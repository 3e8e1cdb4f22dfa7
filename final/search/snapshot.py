"""The state of a user's searches: what a page starts from, and mends itself by."""

# The newest ones; older ones have pages of their own.
SHOWN = 20


def snapshot_of(user):
    """The user's newest searches, newest first, and whose they are: for JSON."""
    newest = user.search_results.all()[:SHOWN]
    return {"user": user.id, "searches": [search.state() for search in newest]}
