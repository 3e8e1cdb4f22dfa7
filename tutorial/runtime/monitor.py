"""Uses MONITOR to read every command that a Redis server receives."""

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import redis

from tutorial.runtime.waiting import wait_for

Found = TypeVar("Found")

SYNC = 5.0  # the time limit, in seconds, for MONITOR to show a command that we sent


@dataclass(frozen=True)
class Command:
    r"""A command such as `LPUSH celery {...}`, and the number of its database.

    Bytes outside ASCII are written as \xNN, and so are spaces in the first argument.
    """

    database: int
    text: str
    time: float = 0.0  # when Redis received it, in seconds since 1970

    @property
    def words(self) -> list[str]:
        """The command's name, its first argument if any, and the rest if any."""
        return self.text.split(" ", 2)


class _Arguments:
    """Finds the arguments of a command in the output of MONITOR.

    There, each argument is in quotation marks. redis-py removes the quotation marks,
    and joins the arguments with spaces. Without this class, a key with a space would
    look like two arguments.
    """

    def findall(self, shown: str) -> list[str]:
        """Return the name and the arguments of a command.

        Spaces in the first argument are escaped.
        """
        name, *rest = redis.client.Monitor.command_re.findall(shown)
        return [name, *(one.replace(" ", r"\x20") for one in rest[:1]), *rest[1:]]


class _Monitor(redis.client.Monitor):
    command_re = _Arguments()


class RedisMonitor:
    """Collects the commands that Redis receives, oldest first. A thread reads them."""

    def __init__(self, client: redis.Redis, monitor: redis.client.Monitor) -> None:
        self._client = client
        self._monitor = monitor
        self._commands: list[Command] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def mark(self) -> int:
        """Return the current position in the list, for `since` and `wait`."""
        return len(self._commands)

    def since(self, mark: int, *words: str) -> list[Command]:
        """Return the commands after the position `mark` that contain all of `words`."""
        return [
            command
            for command in self._commands[mark:]
            if all(word in command.text for word in words)
        ]

    def wait(
        self, wanted: Callable[[Command], Found], seconds: float, mark: int = 0
    ) -> Found | None:
        """Wait for the first true result of `wanted(command)`, and return it.

        Returns None if there is none after `seconds`.
        """
        return wait_for(
            lambda: next(filter(None, map(wanted, self.since(mark))), None), seconds
        )

    def sync(self) -> bool:
        """Wait until every command that Redis has received is in the list.

        Returns False if that takes longer than SYNC.
        """
        token = f"sync-{uuid.uuid4()}"
        mark = self.mark()
        self._client.echo(token)
        return bool(wait_for(lambda: self.since(mark, token), SYNC))

    def close(self) -> None:
        """Stop reading."""
        # `listen` blocks until Redis reports a command, so send one.
        self._end = f"end-{uuid.uuid4()}"
        with contextlib.suppress(redis.RedisError):  # the server may have ended
            self._client.echo(self._end)
        self._thread.join(timeout=SYNC)

    _end = "\0"  # at first a text that no command contains; `close` replaces it

    def _read(self) -> None:
        # Reading also ends when the server ends. A closed connection no longer has a
        # parser, so reading from it raises AttributeError.
        ends = (redis.RedisError, OSError, ValueError, AttributeError)
        with contextlib.suppress(*ends):
            for found in self._monitor.listen():
                command = Command(found["db"], found["command"], found["time"])
                self._commands.append(command)
                if self._end in found["command"]:
                    return


@contextlib.contextmanager
def monitor(url: str) -> Iterator[RedisMonitor]:
    """Collect the commands that the Redis server at `url` receives.

    Yields the RedisMonitor that collects them until the `with` block ends.
    """
    client = redis.Redis.from_url(url, socket_timeout=None)
    pool = client.connection_pool
    with contextlib.closing(client), _Monitor(pool) as reader:
        found = RedisMonitor(client, reader)
        try:
            yield found
        finally:
            found.close()
