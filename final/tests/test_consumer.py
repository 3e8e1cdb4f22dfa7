import pytest
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser

from config.asgi import application
from search.consumers import SearchConsumer


def connect(user):
    communicator = WebsocketCommunicator(SearchConsumer.as_asgi(), "/ws/search/")
    communicator.scope["user"] = user
    return communicator


async def test_a_message_for_the_group_becomes_a_frame():
    communicator = connect(get_user_model()(id=7))
    connected, _ = await communicator.connect()
    assert connected

    data = {"task_id": "0f3c9a52", "query": "Why?", "answer": "Because.", "error": ""}
    message = {"type": "send_search_result", "data": data}
    await get_channel_layer().group_send("user_7", message)
    assert await communicator.receive_json_from() == data

    await communicator.disconnect()
    assert "user_7" not in get_channel_layer().groups


async def test_the_group_of_another_user_is_not_heard():
    communicator = connect(get_user_model()(id=7))
    await communicator.connect()
    await get_channel_layer().group_send(
        "user_8", {"type": "send_search_result", "data": {"task_id": "1"}}
    )
    assert await communicator.receive_nothing()
    await communicator.disconnect()


async def test_who_is_not_signed_in_is_refused():
    communicator = connect(AnonymousUser())
    connected, _ = await communicator.connect()
    assert not connected
    await communicator.disconnect()


@pytest.mark.parametrize("origin", [b"http://evil.example", b"null", None])
async def test_another_origin_is_refused(origin):
    headers = [(b"host", b"localhost")]
    if origin:
        headers.append((b"origin", origin))
    communicator = WebsocketCommunicator(application, "/ws/search/", headers)
    connected, _ = await communicator.connect()
    assert not connected
    await communicator.disconnect()
