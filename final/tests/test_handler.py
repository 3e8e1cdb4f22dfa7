import uuid

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model

from search.models import SearchResult
from search.signals import search_completed


@pytest.mark.django_db
def test_a_finished_search_is_broadcast_to_its_users_group(user):
    other = get_user_model().objects.create_user(username="grace")
    result = SearchResult.objects.create(
        user=user, task_id=uuid.uuid4(), query="Why?", answer="Because."
    )
    layer = get_channel_layer()
    async_to_sync(layer.group_add)(f"user_{user.id}", "ours")
    async_to_sync(layer.group_add)(f"user_{other.id}", "theirs")

    search_completed.send(sender=None, search_result=result)

    assert "ours" in layer.channels, "nothing was sent to the user's group"
    assert async_to_sync(layer.receive)("ours") == {
        "type": "send_search_result",
        "data": {
            "task_id": str(result.task_id),
            "query": "Why?",
            "answer": "Because.",
            "error": "",
        },
    }
    assert "theirs" not in layer.channels
