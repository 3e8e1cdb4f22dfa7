"""Every command that a Redis gets, read with its command MONITOR."""

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import redis

from tutorial.runtime.waiting import wait_for

Found = TypeVar("Found")

SYNC = 5.0  # seconds that a command of our own may take to come back


@dataclass(frozen=True)
class Command:
    r"""A command such as `LPUSH celery {...}`, and the number of its database.

    Bytes outside of ASCII are written as \xNN, and so are blanks in the first argument.
    """

    database: int
    text: str
    time: float = 0.0  # when Redis got it, in seconds since 1970

    @property
    def words(self) -> list[str]:
        """The command's name, its first argument, and the rest, as far as present."""
        return self.text.split(" ", 2)


class _Arguments:
    """Finds the arguments of a command that MONITOR shows, each in quotation marks.

    redis-py joins them with blanks. So a blank in the first of them, such as a key,
    would seem to be its end.
    """

    def findall(self, shown: str) -> list[str]:
        """The command's name and its arguments."""
        name, *rest = redis.client.Monitor.command_re.findall(shown)
        return [name, *(one.replace(" ", r"\x20") for one in rest[:1]), *rest[1:]]


class _Monitor(redis.client.Monitor):
    command_re = _Arguments()


class RedisMonitor:
    """The commands so far, oldest first, read in a thread of its own."""

    def __init__(self, client: redis.Redis, monitor: redis.client.Monitor) -> None:
        self._client = client
        self._monitor = monitor
        self._commands: list[Command] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def mark(self) -> int:
        """A place in the list, for `since` and `wait`."""
        return len(self._commands)

    def since(self, mark: int, *words: str) -> list[Command]:
        """The commands since then that hold all of these words."""
        return [
            command
            for command in self._commands[mark:]
            if all(word in command.text for word in words)
        ]

    def wait(
        self, wanted: Callable[[Command], Found], seconds: float, mark: int = 0
    ) -> Found | None:
        """The first true result of `wanted(command)`, or None after `seconds`."""
        return wait_for(
            lambda: next(filter(None, map(wanted, self.since(mark))), None), seconds
        )

    def sync(self) -> bool:
        """Whether every command that Redis got until now is in the list, after SYNC."""
        token = f"sync-{uuid.uuid4()}"
        mark = self.mark()
        self._client.echo(token)
        return bool(wait_for(lambda: self.since(mark, token), SYNC))

    def close(self) -> None:
        """Stop reading."""
        # The connection that `listen` waits on can only be ended by a command.
        self._end = f"end-{uuid.uuid4()}"
        with contextlib.suppress(redis.RedisError):  # the server may be gone
            self._client.echo(self._end)
        self._thread.join(timeout=SYNC)

    _end = "\0"  # no command holds it

    def _read(self) -> None:
        # The end of the server is an end, too. A connection that was closed during the
        # read no longer has a parser.
        ends = (redis.RedisError, OSError, ValueError, AttributeError)
        with contextlib.suppress(*ends):
            for found in self._monitor.listen():
                command = Command(found["db"], found["command"], found["time"])
                self._commands.append(command)
                if self._end in found["command"]:
                    return


@contextlib.contextmanager
def monitor(url: str) -> Iterator[RedisMonitor]:
    """Read each command that the Redis at `url` gets inside of this context."""
    client = redis.Redis.from_url(url, socket_timeout=None)
    pool = client.connection_pool
    with contextlib.closing(client), _Monitor(pool) as reader:
        found = RedisMonitor(client, reader)
        try:
            yield found
        finally:
            found.close()
