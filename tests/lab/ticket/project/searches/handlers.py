from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.dispatch import receiver

from .models import Search
from .signals import search_answered


@receiver(search_answered, sender=Search)
def announce_answer(sender, search, **kwargs):
    channel_layer = get_channel_layer()
    async_to_sync(channel_layer.group_send)(
        f"search-{search.pk}",
        {"type": "answer.ready", "answer": search.answer},
    )
