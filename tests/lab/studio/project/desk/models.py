from django.db import models


class Question(models.Model):
    class Topic(models.TextChoices):
        SCIENCE = "science", "Science"
        COMPUTING = "computing", "Computing"
        HISTORY = "history", "History"
        MUSIC = "music", "Music"

    class Audience(models.TextChoices):
        CHILDREN = "children", "Children"
        EVERYONE = "everyone", "Everyone"
        EXPERTS = "experts", "Experts"

    guest = models.CharField(max_length=32, db_index=True, editable=False)
    topic = models.CharField(
        max_length=20, choices=Topic.choices, default=Topic.SCIENCE
    )
    asker = models.CharField("your name", max_length=80)
    audience = models.CharField(
        max_length=20, choices=Audience.choices, default=Audience.EVERYONE
    )
    prompt_text = models.TextField("your question")
    answer = models.TextField(blank=True, editable=False)
    asked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]

    def __str__(self):
        return f"{self.asker}: {self.prompt_text[:50]}"

    def as_row(self):
        return [
            self.pk,
            self.asker,
            self.get_topic_display(),
            self.prompt_text,
            self.answer,
        ]


class Subscriber(models.Model):
    email = models.EmailField(unique=True)
    joined_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.email
