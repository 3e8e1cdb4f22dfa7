"""Stage 5 · signal: the task announces that a search is done, and knows no listener."""

from django.dispatch import Signal

# Sent with search_result: the saved SearchResult.
search_completed = Signal()
