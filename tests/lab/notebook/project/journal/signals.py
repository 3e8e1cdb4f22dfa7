from functools import partial

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from .groups import answers_group
from .models import Answer


@receiver(post_save, sender=Answer)
def announce_answer(sender, instance, created, **kwargs):
    if created:
        transaction.on_commit(partial(broadcast, instance))


def broadcast(answer):
    channel_layer = get_channel_layer()
    async_to_sync(channel_layer.group_send)(
        answers_group(answer.question.asker_id),
        {"type": "answer.ready", "message": answer.as_message()},
    )
