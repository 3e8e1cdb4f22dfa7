import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser

from config.asgi import application
from search.consumers import SearchConsumer

# Consumers look after the database connections of their threads.
pytestmark = pytest.mark.django_db(transaction=True)


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


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        (b"http://localhost", True),
        (b"http://evil.example", False),
        (b"null", False),
        (None, False),
    ],
)
async def test_only_the_own_origin_is_let_in(client, origin, is_let_in):
    await sync_to_async(client.get)("/")
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    headers = [(b"host", b"localhost"), (b"cookie", cookie)]
    if origin:
        headers.append((b"origin", origin))
    communicator = WebsocketCommunicator(application, "/ws/search/", headers)
    connected, _ = await communicator.connect()
    assert connected == is_let_in
    await communicator.disconnect()
