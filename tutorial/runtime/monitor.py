"""Every command that the check's Redis got, as MONITOR tells them."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import redis


@dataclass(frozen=True)
class Command:
    """A command such as `LPUSH celery {...}`, and the number of its database."""

    database: int
    text: str


class RedisWatch:
    """Reads MONITOR in a thread of its own."""

    def __init__(self, monitor: redis.client.Monitor) -> None:
        self._monitor = monitor
        self._commands: list[Command] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def mark(self) -> int:
        """A place in the list, for `since`."""
        return len(self._commands)

    def since(self, mark: int, *words: str) -> list[Command]:
        """The commands since then that hold all of these words."""
        return [
            command
            for command in self._commands[mark:]
            if all(word in command.text for word in words)
        ]

    def _read(self) -> None:
        # Its end is the end of the connection: the check stops the server.
        with contextlib.suppress(redis.RedisError, OSError, ValueError):
            for command in self._monitor.listen():
                self._commands.append(Command(command["db"], command["command"]))


@contextlib.contextmanager
def watch(url: str) -> Iterator[RedisWatch]:
    """Watch the Redis at `url`."""
    client = redis.Redis.from_url(url, socket_timeout=None)
    with contextlib.closing(client), client.monitor() as monitor:
        yield RedisWatch(monitor)
