"""What a search leaves behind: the database is the truth, the socket brings the news.

Every change of state is one conditional UPDATE. Of two workers that want the same
search, or of a worker that finishes it and its owner who cancels it, one succeeds.
"""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F
from django.db.models.functions import Now

# Whoever takes or cancels a search adds this to `sequence`: room for the chunks that a
# worker has sent and not yet saved, so that what comes later has the higher number.
STRIDE = 1_000_000
# A worker that has not touched its search for so long is dead: another one may take it.
LEASE = timedelta(seconds=settings.SEARCH_LEASE_SECONDS)
# A search that nobody has taken for so long has lost its message.
UNHEARD = timedelta(seconds=3)
# A search that so many workers have died of does not get another one.
MOST_CLAIMS = 3


class Status(models.TextChoices):
    PENDING = "pending", "Waiting for an answer"
    RUNNING = "running", "Being answered"
    DONE = "done", "Answered"
    FAILED = "failed", "Not answered"
    CANCELLED = "cancelled", "Cancelled"


class SearchResultQuerySet(models.QuerySet):
    def unfinished(self):
        return self.filter(status__in=[Status.PENDING, Status.RUNNING])

    def pending(self):
        return self.filter(status=Status.PENDING)

    def abandoned(self):
        """Those of a dead worker, by the database's clock, which all machines share."""
        return self.filter(status=Status.RUNNING, updated_at__lt=Now() - LEASE)

    def overlooked(self):
        """Those that no message leads to any more, the longest first."""
        claimable = self.pending() | self.abandoned()
        return claimable.filter(updated_at__lt=Now() - UNHEARD).order_by("updated_at")

    def change(self, **fields):
        """Whether the row was there to be changed, and was."""
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
    # Grows with each chunk and each change of state: the page ignores what it has seen.
    sequence = models.BigIntegerField(default=0)
    # The worker's try that may write. A slower one finds another name here, and stops.
    claim = models.UUIDField(null=True, editable=False)
    claims = models.PositiveSmallIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    # The last sign of life of whoever has the search.
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
        """The search, for the try named `claim`; None where nothing is to be taken."""
        row = cls.objects.unfinished().filter(task_id=task_id).first()
        if row is None:
            return None
        is_new = row.status == Status.PENDING
        if not is_new and row.claim == claim:
            return row  # taken before, but the database was gone before it said so
        claimable = cls.objects.pending() if is_new else cls.objects.abandoned()
        fields = {
            "status": Status.RUNNING,
            "sequence": row.sequence + STRIDE,
            "claim": claim,
            "claims": row.claims + 1,
            "answer": "",
        }
        # Only as it was read: or somebody else was quicker.
        if not claimable.filter(pk=row.pk, sequence=row.sequence).change(**fields):
            return None
        for name, value in fields.items():
            setattr(row, name, value)
        return row

    def save_progress(self):
        """Save what there is of the answer; False where it is no longer ours."""
        if not self._if_ours().change(answer=self.answer, sequence=self.sequence):
            return False
        # Its owner was a guest, perhaps, and has logged in meanwhile.
        self.refresh_from_db(fields=["user"])
        return True

    def finish(self, status, error=""):
        """End the search; False where it is no longer ours."""
        self.status, self.error = status, error
        self.sequence += 1
        return self._if_ours().change(
            status=status, error=error, answer=self.answer, sequence=self.sequence
        )

    def _if_ours(self):
        return SearchResult.objects.filter(
            pk=self.pk, claim=self.claim, status=Status.RUNNING
        )

    def cancel(self):
        """Stop the search on its owner's wish; False where it has ended meanwhile."""
        is_changed = (
            SearchResult.objects.filter(pk=self.pk)
            .unfinished()
            .change(status=Status.CANCELLED, sequence=F("sequence") + STRIDE)
        )
        self.refresh_from_db()
        return is_changed

    @property
    def has_ended(self):
        return self.status not in (Status.PENDING, Status.RUNNING)

    @property
    def retry_id(self):
        """The task_id of the search that asks this one's question again.

        Always the same: pressed twice, or in two tabs, the button starts one search.
        """
        return uuid.uuid5(self.task_id, "retry")

    def chunk(self, text):
        """What the browser gets while the answer grows: the text that has come."""
        return {
            "task_id": str(self.task_id),
            "sequence": self.sequence,
            "chunk": text,
        }

    def state(self):
        """What the browser gets of it: a dictionary for JSON."""
        return {
            "task_id": str(self.task_id),
            "sequence": self.sequence,
            "status": self.status,
            "status_text": self.get_status_display(),
            "query": self.query,
            "answer": self.answer,
            "error": self.error,
            "retry_id": str(self.retry_id),
        }
