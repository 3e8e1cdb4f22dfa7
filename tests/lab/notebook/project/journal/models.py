from django.conf import settings
from django.db import models


class Status(models.TextChoices):
    PENDING = "pending", "Waiting for the answer"
    ANSWERED = "answered", "Answered"
    FAILED = "failed", "Failed"


class Question(models.Model):
    asker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="questions"
    )
    text = models.TextField("question", max_length=2000)
    asked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]

    def __str__(self):
        return self.text[:60]

    @property
    def status(self):
        answer = getattr(self, "answer", None)
        return answer.status if answer else Status.PENDING


class Answer(models.Model):
    question = models.OneToOneField(
        Question, on_delete=models.CASCADE, related_name="answer"
    )
    text = models.TextField()
    failed = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.text[:60]

    @property
    def status(self):
        return Status.FAILED if self.failed else Status.ANSWERED

    def as_message(self):
        return {
            "question": self.question_id,
            "status": self.status.value,
            "label": self.status.label,
            "text": self.text,
        }
