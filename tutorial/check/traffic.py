"""Reads Celery's messages and the channel layer's groups from commands of Redis."""

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgpack

from tutorial.runtime.monitor import Command

# The Redis key of a group. It is a channel in the pub/sub layer and a sorted set in
# the core layer.
GROUP = re.compile(r".*?(__group__|:group:)(.+)", re.S)

JOINS = {"SUBSCRIBE": "__group__", "ZADD": ":group:"}
LEAVES = {"UNSUBSCRIBE": "__group__", "ZREM": ":group:"}
SENDS = {"PUBLISH": "__group__", "ZRANGE": ":group:"}


@dataclass(frozen=True)
class Message:
    """A Celery message that was put into a list of a Redis database."""

    database: int
    queue: str
    id: str
    task: str
    arguments: list[Any] | None  # None if they are not JSON
    eta: str = ""  # the earliest start of the task, in ISO 8601

    def holds(self, text: str) -> bool:
        """Whether `text` is in one of the arguments."""
        return text in json.dumps(self.arguments, ensure_ascii=False)


@dataclass(frozen=True)
class Broadcast:
    """A message that the channel layer sent to a group."""

    group: str
    event: Any  # None if it cannot be read; a dictionary if the project is correct
    command: str
    time: float = 0.0  # when it was sent, in seconds since 1970

    @property
    def words(self) -> str:
        """A sentence about the message."""
        kind = self.event.get("type") if isinstance(self.event, dict) else None
        of_type = f" of the type {kind}" if kind else ""
        return f"Redis got a message{of_type} for the group {self.group}"

    def holds(self, text: str) -> bool:
        """Whether `text` is in the message."""
        return self.event is not None and text in str(self.event)


def read_message(command: Command) -> Message | None:
    """Return the Celery message that the command puts into a list, or None."""
    if command.words[0] != "LPUSH" or len(command.words) < 3:
        return None
    try:
        content = _bytes(command.words[2])
    except ValueError:
        return None
    return message_of(content, command.words[1], command.database)


def message_of(text: bytes, queue: str, database: int = 0) -> Message | None:
    """Return the Celery message in `text`, or None if `text` is not such a message."""
    try:
        content = json.loads(text)
        # Messages of Celery's task protocol 1 have no headers. Their body describes the
        # task.
        about = content["headers"] or _body(content)
        return Message(
            database,
            queue,
            about["id"],
            about["task"],
            _arguments(content),
            about.get("eta") or "",
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _arguments(content: dict[str, Any]) -> list[Any] | None:
    try:
        body = _body(content)
        if isinstance(body, dict):  # protocol 1
            args, kwargs = body["args"], body["kwargs"]
        else:
            args, kwargs, _ = body
    except (ValueError, KeyError, TypeError):
        return None  # the message is from another serializer
    return [*args, *kwargs.values()]


def _body(content: dict[str, Any]) -> Any:
    """Return the body of a message. Raises ValueError if it is not JSON."""
    return json.loads(base64.b64decode(content["body"]))


def read_broadcast(command: Command) -> Broadcast | None:
    """Return the message that the command sends to a group, or None."""
    group = _group(command, SENDS)
    if group is None:
        return None
    event = None
    if command.words[0] == "PUBLISH":
        try:
            event = msgpack.unpackb(_bytes(command.words[2]))
        except (ValueError, msgpack.UnpackException):
            event = None  # the message is encrypted, or from another serializer
    elif not command.words[2].startswith("0 -1"):
        return None
    return Broadcast(group, event, command.text, command.time)


def messages(commands: Iterable[Command]) -> list[Message]:
    """Return the Celery messages that these commands put into lists."""
    return list(filter(None, map(read_message, commands)))


def broadcasts(commands: Iterable[Command]) -> list[Broadcast]:
    """Return the messages that these commands send to groups."""
    return list(filter(None, map(read_broadcast, commands)))


def joined(commands: Iterable[Command]) -> list[str]:
    """Return the groups that these commands join."""
    return [group for command in commands if (group := _group(command, JOINS))]


def left(commands: Iterable[Command]) -> list[str]:
    """Return the groups that these commands leave."""
    return [group for command in commands if (group := _group(command, LEAVES))]


def names_in_redis(commands: Iterable[Command], group: str) -> tuple[list, list]:
    """Return two lists of the group's Redis keys.

    The first list is from the commands that send to the group. The second list is from
    the commands that join the group.
    """
    sent, heard = {}, {}
    for command in commands:
        if _group(command, SENDS) == group:
            sent[command.words[1]] = True
        elif _group(command, JOINS) == group:
            heard[command.words[1]] = True
    return list(sent), list(heard)


def _group(command: Command, signs: dict[str, str]) -> str | None:
    """Return the group in the command, or None.

    `signs` maps the name of a command to the text that marks the key of a group. The
    result is None if the command has a different name, or if its key has no such mark.
    """
    name, *rest = command.words
    sign = signs.get(name.upper())
    if sign is None or not rest or sign not in rest[0]:
        return None
    return _bytes(GROUP.fullmatch(rest[0])[2]).decode(errors="replace")


def _bytes(text: str) -> bytes:
    """Return the bytes that Redis's MONITOR prints as `text`, with escapes."""
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")
