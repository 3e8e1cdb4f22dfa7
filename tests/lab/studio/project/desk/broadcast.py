from channels.layers import get_channel_layer
from django.dispatch import receiver

from .guests import group_for
from .models import Question
from .signals import answer_ready


@receiver(answer_ready, sender=Question)
async def broadcast_answer(sender, question, **kwargs):
    channel_layer = get_channel_layer()
    await channel_layer.group_send(
        group_for(question.guest),
        {"type": "answer.ready", "row": question.as_row()},
    )
