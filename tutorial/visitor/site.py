"""A running project, seen from outside: its address, and the services around it."""

import contextlib
import json
import queue
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import redis

SOCKET_PATH = "/ws/search/"


class Unmet(Exception):
    """A specification does not hold: what was expected, and what was seen instead."""


@dataclass(frozen=True)
class Site:
    """Where a project and its services are.

    `browser` is a Playwright browser (sync API), or None where none is at hand.
    """

    url: str
    redis_url: str
    openai_url: str
    browser: Any = None

    @property
    def socket_url(self) -> str:
        """The address of the WebSocket."""
        return self.url.replace("http", "ws", 1) + SOCKET_PATH

    def requests_to_openai(self) -> list[dict]:
        """What the stand-in was asked so far: {input, model, stream} each."""
        with urllib.request.urlopen(f"{self.openai_url}/requests", timeout=5) as answer:
            return json.load(answer)

    def waiting_messages(self) -> list[dict]:
        """The messages that wait in Celery's queue, oldest first."""
        client = redis.Redis.from_url(self.redis_url)
        with contextlib.closing(client):
            return [json.loads(raw) for raw in client.lrange("celery", 0, -1)[::-1]]

    def subscribed_groups(self) -> set[str]:
        """The Redis channels of the groups that somebody listens to."""
        client = redis.Redis.from_url(self.redis_url, decode_responses=True)
        with contextlib.closing(client):
            return set(client.pubsub_channels("*__group__*"))

    @contextlib.contextmanager
    def watch_redis(self) -> Iterator["Watch"]:
        """See each command that Redis gets, inside this context."""
        client = redis.Redis.from_url(self.redis_url, socket_timeout=None)
        with contextlib.closing(client), client.monitor() as monitor:
            watch = Watch(monitor)
            try:
                yield watch
            finally:
                watch.close(redis.Redis.from_url(self.redis_url))


class Watch:
    """The commands that a Redis gets, as MONITOR tells them."""

    def __init__(self, monitor: redis.client.Monitor) -> None:
        self._monitor = monitor
        self._end = f"end of watch {uuid.uuid4()}"
        self._commands: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def find(self, wanted: Callable[[str], Any], seconds: float) -> Any:
        """The first true result of `wanted(command)`, or None after `seconds`.

        A command is a text such as `LPUSH celery {...}`, with bytes outside of ASCII
        written as \\xNN.
        """
        deadline = time.monotonic() + seconds
        with contextlib.suppress(queue.Empty):
            while (left := deadline - time.monotonic()) > 0:
                if result := wanted(self._commands.get(timeout=left)):
                    return result
        return None

    def close(self, client: redis.Redis) -> None:
        """Stop reading: send the command that the reader waits for."""
        with contextlib.closing(client):
            client.echo(self._end)
        self._thread.join(timeout=5)

    def _read(self) -> None:
        with contextlib.suppress(redis.RedisError, OSError, ValueError):
            for command in self._monitor.listen():
                if self._end in command["command"]:
                    return
                self._commands.put(command["command"])
