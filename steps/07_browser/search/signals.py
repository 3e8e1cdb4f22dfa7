"""Stage 5 · signal: what the task sends when a search is done."""

from django.dispatch import Signal

# Sent with search_result: the saved SearchResult.
search_completed = Signal()
