"""The searches. The database has their state; the socket only reports changes.

Every change of state is one conditional UPDATE. If two workers claim the same search,
or if a worker finishes it while its owner cancels it, exactly one of them succeeds.
"""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

# Claiming or cancelling adds this to `sequence`. So a later message always has a higher
# number than chunks that a worker has sent but not yet saved.
STRIDE = 1_000_000
# If a claim has not been renewed for this long, another worker may take the search.
LEASE = timedelta(seconds=settings.SEARCH_LEASE_SECONDS)
# If no worker has claimed a search for this long, its message was probably lost.
UNHEARD = timedelta(seconds=3)
# Give up a search after this many claims: it may be the reason why its workers die.
MOST_CLAIMS = 3
# How many searches a page shows. Further pages show the older ones.
SHOWN = 20


class Guest(models.Model):
    """Marks a user who can be recognized only by the cookie of a browser."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True
    )

    def __str__(self):
        return str(self.user)


class Status(models.TextChoices):
    PENDING = "pending", "Waiting for an answer"
    RUNNING = "running", "Being answered"
    DONE = "done", "Answered"
    FAILED = "failed", "Not answered"
    CANCELLED = "cancelled", "Cancelled"


class SearchResultQuerySet(models.QuerySet):
    def of(self, user):
        """The user's searches, newest first. An anonymous visitor has none."""
        return self.filter(user_id=user.pk)

    def unfinished(self):
        return self.filter(status__in=[Status.PENDING, Status.RUNNING])

    def claimable(self):
        """The searches without a living worker.

        All machines share the database's clock, so only this clock counts.
        """
        is_abandoned = Q(status=Status.RUNNING, updated_at__lt=Now() - LEASE)
        return self.filter(Q(status=Status.PENDING) | is_abandoned)

    def overlooked(self):
        """The claimable searches whose message was probably lost, oldest first."""
        rows = self.claimable().filter(updated_at__lt=Now() - UNHEARD)
        return rows.order_by("updated_at")

    def change(self, **fields):
        """Change the row. Return False if no row fulfils the conditions."""
        return self.update(updated_at=Now(), **fields) == 1


class SearchResult(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="search_results",
    )
    task_id = models.UUIDField(unique=True, default=uuid.uuid4)
    query = models.CharField(max_length=200)
    answer = models.TextField(blank=True)
    error = models.CharField(max_length=200, blank=True)
    status = models.CharField(
        max_length=9, choices=Status.choices, default=Status.PENDING
    )
    # Grows with each chunk and each change of state. The page ignores older numbers.
    sequence = models.BigIntegerField(default=0)
    # Identifies the attempt that may write. An older attempt finds a different value
    # here and stops.
    claim = models.UUIDField(null=True, editable=False)
    claims = models.PositiveSmallIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    # When a worker last renewed its claim, or the state last changed.
    updated_at = models.DateTimeField(db_default=Now())

    objects = SearchResultQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="of_user"),
            models.Index(fields=["status", "updated_at"], name="of_status"),
        ]

    def __str__(self):
        return self.query

    @classmethod
    def take(cls, task_id, claim):
        """Claim the search for this attempt. Return None if it cannot be claimed."""
        row = cls.objects.unfinished().filter(task_id=task_id).first()
        if row is None:
            return None
        if row.claim == claim and row.status == Status.RUNNING:
            return row  # claimed before, but the database's confirmation was lost
        fields = {
            "status": Status.RUNNING,
            "sequence": row.sequence + STRIDE,
            "claim": claim,
            "claims": row.claims + 1,
            "answer": "",
        }
        # Claim the row only if it is unchanged since it was read.
        unchanged = cls.objects.filter(pk=row.pk, sequence=row.sequence)
        if not unchanged.claimable().change(**fields):
            return None
        for name, value in fields.items():
            setattr(row, name, value)
        return row

    def save_progress(self):
        """Save progress. Return False if the search was cancelled or taken over."""
        if not self._if_ours().change(answer=self.answer, sequence=self.sequence):
            return False
        # If a guest has logged in during the search, the account owns it now.
        self.refresh_from_db(fields=["user"])
        return True

    def finish(self, error=""):
        """End the search. Return False if it was cancelled or taken over."""
        self.status, self.error = Status.FAILED if error else Status.DONE, error
        self.sequence += 1
        is_saved = self._if_ours().change(
            status=self.status, error=error, answer=self.answer, sequence=self.sequence
        )
        # Otherwise, it may have been saved before, but the confirmation was lost.
        saved = SearchResult.objects.filter(claim=self.claim, status=self.status)
        return is_saved or saved.exists()

    def _if_ours(self):
        return SearchResult.objects.filter(
            pk=self.pk, claim=self.claim, status=Status.RUNNING
        )

    def cancel(self):
        """Stop the search, as its owner asks. Return False if it has already ended."""
        row = SearchResult.objects.unfinished().filter(pk=self.pk)
        later = F("sequence") + STRIDE
        is_changed = row.change(status=Status.CANCELLED, sequence=later)
        self.refresh_from_db()
        return is_changed

    @property
    def has_ended(self):
        return self.status not in (Status.PENDING, Status.RUNNING)

    @property
    def retry_id(self):
        """The task_id of a retry, which is a new search with the same question.

        It is always the same, so two clicks on the button start only one search, even
        if the clicks are in two tabs.
        """
        return uuid.uuid5(self.task_id, "retry")

    @property
    def order(self):
        """A text by which the list is sorted: the time, then the primary key."""
        return f"{self.created_at:%Y%m%d%H%M%S%f}-{self.pk:020}"

    def chunk(self, text):
        """The message to the browser while the answer grows: only the new text."""
        return {"task_id": str(self.task_id), "sequence": self.sequence, "chunk": text}

    def state(self):
        """The message to the browser with the whole search: a dictionary for JSON."""
        return {
            "task_id": str(self.task_id),
            "sequence": self.sequence,
            "status": self.status,
            "status_text": self.get_status_display(),
            "query": self.query,
            "order": self.order,
            "answer": self.answer,
            "error": self.error,
            "retry_id": str(self.retry_id),
        }


def snapshot_of(user, waiting=()):
    """Return the user's id and newest searches, newest first, as a dictionary for JSON.

    Older searches follow if a page is still `waiting` for their task_id.
    """
    searches = SearchResult.objects.of(user)
    found = list(searches[:SHOWN])
    if older := set(waiting) - {search.task_id for search in found}:
        found += searches.filter(task_id__in=older)
    return {"user": user.pk, "searches": [search.state() for search in found]}
