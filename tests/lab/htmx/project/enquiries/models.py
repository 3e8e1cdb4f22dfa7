from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import models
from django.dispatch import receiver
from django.template.loader import render_to_string

from .signals import enquiry_answered


class Enquiry(models.Model):
    visitor = models.CharField(max_length=32, db_index=True)
    question = models.CharField(max_length=500)
    answer = models.TextField(blank=True)
    asked_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-asked_at"]
        verbose_name_plural = "enquiries"

    def __str__(self):
        return self.question


@receiver(enquiry_answered, sender=Enquiry)
def push_answer(sender, enquiry, **kwargs):
    html = render_to_string("enquiries/_answer.html", {"enquiry": enquiry})
    async_to_sync(get_channel_layer().group_send)(
        f"visitor-{enquiry.visitor}",
        {"type": "answer.ready", "html": html},
    )
