from django.conf import settings
from django.db import models


class Question(models.Model):
    class Status(models.TextChoices):
        PENDING = "pending"
        ANSWERED = "answered"
        FAILED = "failed"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="questions"
    )
    text = models.TextField()
    answer = models.TextField(blank=True)
    status = models.CharField(
        max_length=10, choices=Status.choices, default=Status.PENDING
    )
    asked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]

    def __str__(self):
        return self.text[:60]

    def as_dict(self):
        return {
            "id": self.pk,
            "text": self.text,
            "answer": self.answer,
            "status": self.status,
        }
