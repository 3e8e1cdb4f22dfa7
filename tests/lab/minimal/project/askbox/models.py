from django.db import models


class Result(models.Model):
    session_key = models.CharField(max_length=40, db_index=True)
    question = models.TextField()
    answer = models.TextField()

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return self.question
