"""The addresses of a running project and its services, and the services' contents."""

import contextlib
import json
import urllib.parse
import urllib.request
from dataclasses import dataclass

import redis

SOCKET_PATH = "/ws/search/"


@dataclass(frozen=True)
class Site:
    """The addresses of a project, its Redis and its API."""

    url: str
    redis_url: str
    openai_url: str

    @property
    def socket_url(self) -> str:
        """The address of the WebSocket in the steps."""
        return self.url.replace("http", "ws", 1) + SOCKET_PATH

    def requests_to_openai(self) -> list[dict]:
        """Return all requests to the stand-in so far; see `standin.server`."""
        with urllib.request.urlopen(f"{self.openai_url}/requests", timeout=5) as answer:
            return json.load(answer)

    def waiting_messages(
        self, queue: str = "celery", database: int | None = None
    ) -> list[dict]:
        """Return the messages that wait in one of Celery's queues, oldest first.

        `database` is the number of the Redis database. If it is None, the number comes
        from `redis_url`.
        """
        url = self.redis_url
        if database is not None:
            url = urllib.parse.urlsplit(url)._replace(path=f"/{database}").geturl()
        client = redis.Redis.from_url(url)
        with contextlib.closing(client):
            return [json.loads(raw) for raw in client.lrange(queue, 0, -1)[::-1]]

    def subscribed_groups(self) -> set[str]:
        """Return the Redis channels of the groups that have members."""
        client = redis.Redis.from_url(self.redis_url, decode_responses=True)
        with contextlib.closing(client):
            return set(client.pubsub_channels("*__group__*"))
