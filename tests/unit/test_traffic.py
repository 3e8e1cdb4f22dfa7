"""`check` reads messages and groups from the commands that Redis received."""

import base64
import json

import msgpack
import pytest

from tutorial.check import traffic
from tutorial.runtime.monitor import Command


def as_monitor_shows(raw: bytes) -> str:
    """Return bytes as text with escapes, as the Redis command MONITOR shows them."""
    shown = "".join(chr(b) if 32 <= b < 127 else f"\\x{b:02x}" for b in raw)
    return shown.replace("\\x0a", "\\n")


def pushed(body: bytes, queue: str = "celery") -> Command:
    """Return the command that puts a Celery message into a list of Redis."""
    content = {
        "headers": {"id": "1", "task": "search.tasks.fetch"},
        "body": base64.b64encode(body).decode(),
    }
    return Command(1, f"LPUSH {queue} {json.dumps(content)}")


def test_a_message_is_read_with_its_arguments():
    body = json.dumps([["What? “é”"], {"user_id": 7}, {}]).encode()
    message = traffic.read_message(pushed(body, "searches"))
    assert (message.database, message.queue) == (1, "searches")
    assert (message.id, message.task) == ("1", "search.tasks.fetch")
    assert message.arguments == ["What? “é”", 7]
    assert message.holds("What? “é”")
    assert not message.holds("Who?")


def test_a_message_of_the_old_task_protocol_is_read():
    task = {"id": "1", "task": "search.tasks.fetch", "args": ["What?"], "kwargs": {}}
    body = base64.b64encode(json.dumps(task | {"eta": None}).encode()).decode()
    content = {"headers": {}, "body": body}
    message = traffic.read_message(Command(0, f"LPUSH celery {json.dumps(content)}"))
    assert (message.id, message.task) == ("1", "search.tasks.fetch")
    assert (message.arguments, message.eta) == (["What?"], "")


def test_the_arguments_are_unknown_if_the_message_is_not_json():
    message = traffic.read_message(pushed(b"\x80\x04 a pickle"))
    assert message.task == "search.tasks.fetch"
    assert message.arguments is None
    assert not message.holds("What?")


@pytest.mark.parametrize(
    "text", ["LPUSH celery", "LPUSH mine a text", 'LPUSH mine {"headers": 1}', "PING"]
)
def test_other_commands_contain_no_message(text):
    assert traffic.read_message(Command(0, text)) is None


def test_groups_and_broadcasts_of_the_pubsub_layer_are_read():
    event = {"type": "send_search_result", "data": {"answer": "One\nline ✓"}}
    raw = as_monitor_shows(msgpack.packb(event))
    commands = [
        Command(0, "SUBSCRIBE asgi__group__user_5"),
        Command(0, f"PUBLISH asgi__group__user_5 {raw}"),
        Command(0, "PUBLISH somebody.else hello"),
        Command(0, "UNSUBSCRIBE asgi__group__user_5"),
    ]
    assert traffic.joined(commands) == ["user_5"]
    assert traffic.left(commands) == ["user_5"]
    [sent] = traffic.broadcasts(commands)
    assert (sent.group, sent.event) == ("user_5", event)
    assert sent.holds("send_search_result")


def test_the_name_of_a_group_may_contain_a_space():
    commands = [
        Command(0, r"SUBSCRIBE asgi__group__user\x205"),
        Command(0, r"PUBLISH /0__group__user\x205 a text"),
    ]
    assert traffic.joined(commands) == ["user 5"]
    names = traffic.names_in_redis(commands, "user 5")
    assert names == ([r"/0__group__user\x205"], [r"asgi__group__user\x205"])


def test_groups_and_broadcasts_of_the_core_layer_are_read():
    commands = [
        Command(0, "ZADD asgi:group:user_5 1.0 specific.abc!def"),
        Command(0, "ZREMRANGEBYSCORE asgi:group:user_5 0 1"),
        Command(0, "ZRANGE asgi:group:user_5 0 -1"),
        Command(0, "ZREM asgi:group:user_5 specific.abc!def"),
    ]
    assert traffic.joined(commands) == ["user_5"]
    assert traffic.left(commands) == ["user_5"]
    [sent] = traffic.broadcasts(commands)
    assert (sent.group, sent.event) == ("user_5", None)
    assert not sent.holds("user_5")


def test_a_broadcast_is_found_even_if_its_event_cannot_be_decoded():
    [sent] = traffic.broadcasts([Command(0, "PUBLISH my__group__user_5 \\xc1\\xff")])
    assert (sent.group, sent.event) == ("user_5", None)
