"""Stage 4 · worker: the result of a search, as it is saved in the database."""

from django.conf import settings
from django.db import models


class SearchResult(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="search_results",
    )
    task_id = models.UUIDField(unique=True)
    query = models.CharField(max_length=200)
    answer = models.TextField(blank=True)
    error = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self):
        return self.query
