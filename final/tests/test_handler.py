import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model

from search.models import Status
from search.signals import search_completed


def join(layer, user, name):
    async_to_sync(layer.group_add)(f"user_{user.id}", name)


def receive(layer, name):
    assert name in layer.channels, f"nothing was sent to {name}"
    return async_to_sync(layer.receive)(name)


@pytest.mark.django_db
def test_a_finished_search_is_sent_to_the_group_of_its_user(user, search, layer):
    other = get_user_model().objects.create_user(username="grace")
    search.status, search.answer = Status.DONE, "Because."
    join(layer, user, "ours")
    join(layer, other, "theirs")

    search_completed.send(sender=None, search_result=search)

    message = receive(layer, "ours")
    assert message["type"] == "send_search_result"
    assert message["data"] == search.state()
    assert message["data"]["answer"] == "Because."
    assert "theirs" not in layer.channels


def test_a_logout_closes_only_the_sockets_of_its_session(client, user, layer):
    from search.handlers import digest

    client.force_login(user)
    key = client.session.session_key
    join(layer, user, "ours")
    client.post("/accounts/logout/")
    assert receive(layer, "ours") == {"type": "close_socket", "session": digest(key)}
    assert key not in digest(key)


def test_the_sockets_of_a_deleted_user_are_closed_on_commit(
    user, layer, django_capture_on_commit_callbacks
):
    join(layer, user, "ours")
    with django_capture_on_commit_callbacks() as callbacks:
        user.delete()
    assert "ours" not in layer.channels or layer.channels["ours"].empty()
    [close] = callbacks
    close()
    assert receive(layer, "ours") == {"type": "close_socket", "session": None}


def test_a_user_is_deleted_even_if_redis_is_down(
    user, settings, caplog, django_capture_on_commit_callbacks
):
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
        }
    }
    with django_capture_on_commit_callbacks(execute=True):
        user.delete()
    assert not get_user_model().objects.filter(username="ada").exists()
