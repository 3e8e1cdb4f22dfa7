import asyncio

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import connection

from config.asgi import application
from search.consumers import POLICY_VIOLATION, SIGNED_OUT
from search.handlers import digest
from search.models import SearchResult

# Tests cannot run in a transaction, because consumers close the database connections
# of their threads.
pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = b"http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def usual_port(settings):
    assert ORIGIN.decode() in settings.SITE_ORIGINS


@pytest.fixture
async def signed_in(user, client):
    """Yield a communicator that is connected with the user's session cookie."""
    await sync_to_async(client.force_login)(user)
    communicator = connect_as(client.session.session_key, ORIGIN)
    connected, _ = await communicator.connect()
    assert connected
    yield communicator
    await communicator.disconnect()


def connect_as(session_key, origin):
    headers = [(b"host", b"127.0.0.1:8000")]
    if session_key:
        headers.append((b"cookie", f"sessionid={session_key}".encode()))
    if origin:
        headers.append((b"origin", origin))
    return WebsocketCommunicator(application, "/ws/search/", headers)


async def closed_with(communicator):
    """Skip messages until the server closes the socket, and return the close code."""
    while True:
        event = await communicator.receive_output(timeout=5)
        if event["type"] == "websocket.close":
            return event["code"]


async def test_a_new_socket_sends_a_snapshot_first(client, user, signed_in, search):
    await sync_to_async(search.refresh_from_db)()
    communicator = connect_as(client.session.session_key, ORIGIN)
    await communicator.connect()
    assert await communicator.receive_json_from() == {
        "user": user.id,
        "searches": [search.state()],
    }
    await communicator.disconnect()


async def test_a_socket_that_the_server_has_closed_raises_no_error(client, user):
    """The server closes a socket, for example, if the client sends an invalid frame."""
    await sync_to_async(client.force_login)(user)
    scope = connect_as(client.session.session_key, ORIGIN).scope
    received = asyncio.Queue()
    received.put_nowait({"type": "websocket.connect"})
    sent = []

    async def send(message):
        sent.append(message["type"])
        if sent[-1] == "websocket.send":
            raise RuntimeError("Unexpected ASGI message")

    async with asyncio.timeout(5):
        await application(scope, received.get, send)
    assert sent == ["websocket.accept", "websocket.send"]


async def test_a_message_for_the_group_becomes_a_frame(user, signed_in):
    await signed_in.receive_json_from()
    data = {"task_id": "0f3c9a52", "sequence": 1, "chunk": "Be"}
    message = {"type": "send_search_result", "data": data}
    await get_channel_layer().group_send(f"user_{user.id}", message)
    assert await signed_in.receive_json_from() == data

    await signed_in.disconnect()
    assert f"user_{user.id}" not in get_channel_layer().groups


async def test_a_socket_sends_a_snapshot_after_lost_messages(user, signed_in):
    await signed_in.receive_json_from()
    search = await SearchResult.objects.acreate(user=user, query="Lost?")
    await search.arefresh_from_db()
    group = f"user_{user.id}"
    await get_channel_layer().group_send(group, {"type": "send_snapshot"})
    snapshot = await signed_in.receive_json_from()
    assert snapshot == {"user": user.id, "searches": [search.state()]}


async def test_a_session_that_is_older_than_the_secret_key_can_open_a_socket(
    user, client, settings
):
    await sync_to_async(client.force_login)(user)
    key, old = client.session.session_key, settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "x" * 60, [old]
    communicator = connect_as(key, ORIGIN)
    connected, _ = await communicator.connect()
    assert connected
    # The browser still has the cookie of this session.
    assert await Session.objects.filter(session_key=key).aexists()
    await communicator.disconnect()


async def test_a_socket_gets_no_messages_for_another_users_group(user, signed_in):
    await signed_in.receive_json_from()
    await get_channel_layer().group_send(
        f"user_{user.id + 1}", {"type": "send_search_result", "data": {"task_id": "1"}}
    )
    assert await signed_in.receive_nothing()


@pytest.mark.parametrize("key", [None, "unknown"])
async def test_the_socket_of_a_new_visitor_creates_a_guest(client, key):
    communicator = connect_as(key, ORIGIN)
    await communicator.send_input({"type": "websocket.connect"})
    accepted = await communicator.receive_output()
    assert accepted["type"] == "websocket.accept"
    [(name, cookie)] = accepted["headers"]
    assert name == b"set-cookie"
    assert b"HttpOnly" in cookie
    guest = await get_user_model().objects.aget()
    assert await communicator.receive_json_from() == {"user": guest.pk, "searches": []}
    await communicator.disconnect()
    # A request with this cookie comes from the same guest.
    client.cookies.load(cookie.decode())
    response = await sync_to_async(client.get)("/")
    assert response.context["user"] == guest


async def test_a_socket_from_another_site_creates_no_guest():
    connected, _ = await connect_as(None, b"http://evil.example").connect()
    assert not connected
    assert not await get_user_model().objects.aexists()


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        (ORIGIN, True),
        (b"https://127.0.0.1:8000", False),
        (b"http://127.0.0.1:8001", False),
        (b"http://127.0.0.1", False),
        (b"http://evil.example", False),
        (b"null", False),
        (b"http://[127.0.0.1:8000", False),
        (b"http://127.0.0.1:99999", False),
        (None, False),
    ],
)
async def test_a_socket_is_accepted_only_from_the_sites_own_origin(
    client, signed_in, origin, is_let_in
):
    communicator = connect_as(client.session.session_key, origin)
    connected, _ = await communicator.connect()
    assert connected == is_let_in
    await communicator.disconnect()


@pytest.mark.parametrize("frame", [{"text_data": "{}"}, {"bytes_data": b"\x00"}])
async def test_a_socket_is_closed_if_its_client_sends_a_frame(signed_in, frame):
    await signed_in.send_to(**frame)
    assert await closed_with(signed_in) == POLICY_VIOLATION


async def test_a_logout_closes_the_socket(client, user, signed_in):
    message = {"type": "close_socket", "session": digest("another session")}
    await get_channel_layer().group_send(f"user_{user.id}", message)
    message |= {"session": digest(client.session.session_key)}
    await get_channel_layer().group_send(f"user_{user.id}", message)
    assert await closed_with(signed_in) == SIGNED_OUT


def delete_without_signal(user):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM auth_user WHERE id = %s", [user.pk])


@pytest.mark.parametrize("what", ["session", "user", "password"])
async def test_a_socket_is_closed_when_its_session_ends(settings, user, client, what):
    """No signal reports the end of the session, so the consumer must check for it."""
    settings.SOCKET_CHECK_SECONDS = 0.2
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    }
    await sync_to_async(client.force_login)(user)
    communicator = connect_as(client.session.session_key, ORIGIN)
    await communicator.connect()
    if what == "session":
        await sync_to_async(client.session.delete)()
    elif what == "user":
        await sync_to_async(delete_without_signal)(user)
    else:
        user.set_password("Another-1")
        await user.asave()
    assert await closed_with(communicator) == SIGNED_OUT
    await communicator.disconnect()
