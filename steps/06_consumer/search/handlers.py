"""Stage 5 · signal: broadcasts each finished search to its user's group."""

import logging

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.dispatch import receiver

from .signals import search_completed

logger = logging.getLogger(__name__)


@receiver(search_completed)
def broadcast_search_result(sender, search_result, **kwargs):
    group_name = f"user_{search_result.user_id}"
    # Logged before the broadcast, so that this line comes before the line of stage 6.
    logger.info(
        "stage 5 · signal · %.8s · broadcasts to %s", search_result.task_id, group_name
    )
    async_to_sync(get_channel_layer().group_send)(
        group_name,
        {
            "type": "send_search_result",
            "data": {
                "task_id": str(search_result.task_id),
                "query": search_result.query,
                "answer": search_result.answer,
                "error": search_result.error,
            },
        },
    )
