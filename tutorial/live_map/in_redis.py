"""Reads what is in Redis: Celery's messages, and the groups of the channel layer.

It changes nothing in Redis. If Redis does not answer, `InRedis.error` says so.
"""

import asyncio
import time
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from tutorial.check.traffic import message_of

PATIENCE = 2  # seconds to wait for Redis
SHOWN = 10  # show at most this many messages of each queue, oldest first
KNOWN = 500  # read the ids of at most this many messages of each queue

BINDINGS = "_kombu.binding.*"  # the keys in which kombu stores the names of queues
GROUPS = "*__group__*"


class InRedis:
    """Reads from the Redis at `url`; reads nothing if `url` is empty."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._database = ""
        self._client = None
        if url:
            self._connect()
        self._seen: dict[str, float] = {}  # when a message was first seen, by its id
        self.queues: list[dict[str, Any]] = []
        self.groups: list[dict[str, Any]] = []
        self.queue_of: dict[str, str] = {}  # the queue, by the id of a waiting message
        self.error = ""

    def _connect(self) -> None:
        url = urlsplit(self._url)
        if self._database:
            url = url._replace(path=f"/{self._database}")
        self._client = redis.asyncio.Redis.from_url(
            url.geturl(),
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            client_name="tutorial-map",
            retry=Retry(NoBackoff(), 0),
        )

    async def look(self, names: Collection[str], broker: str = "") -> None:
        """Read the queues with these names, other queues of kombu, and the groups.

        `broker` is the address that Celery uses. Only its database number matters. The
        results are stored in the attributes.
        """
        if self._client is None:
            return
        database = urlsplit(broker).path.strip("/")
        has_database = urlsplit(self._url).scheme in ("redis", "rediss")
        if has_database and database.isdecimal() and database != self._database:
            await self._client.aclose()
            self._database = database
            self._connect()
        try:
            # Without a time limit, redis-py would retry a Redis that hangs.
            async with asyncio.timeout(PATIENCE):
                await self._look(names)
            self.error = ""
        except (RedisError, OSError) as error:
            self.queues, self.groups, self.queue_of = [], [], {}
            self.error = f"Redis does not answer ({type(error).__name__})."

    async def _look(self, names: Collection[str]) -> None:
        queues, ids = [], {}
        for name in sorted({*names, *await self._bound()}):
            length = await self._client.llen(name)
            if not length and name not in names:
                continue
            # Celery pushes at the left end of the list; a worker pops at the right.
            waiting = await self._client.lrange(name, -KNOWN, -1) if length else []
            found = [message_of(text, name) for text in reversed(waiting)]
            messages = [message for message in found if message]
            ids |= {message.id: name for message in messages}
            queues.append({"name": name, "length": length, "messages": messages})
        now = time.time()
        self._seen = {one: self._seen.get(one, now) for one in ids}
        self.queue_of = ids
        self.queues = [
            one
            | {
                "messages": [
                    {
                        "id": message.id,
                        "task": message.task,
                        "arguments": str(message.arguments)[:300],
                        "since": self._seen[message.id],
                    }
                    for message in one["messages"][:SHOWN]
                ]
            }
            for one in queues
        ]
        channels = await self._client.pubsub_channels(GROUPS)
        counts = await self._client.pubsub_numsub(*channels) if channels else []
        self.groups = [
            {
                "name": channel.decode(errors="replace").partition("__group__")[2],
                "processes": count,
            }
            for channel, count in sorted(counts)
        ]

    async def _bound(self) -> set[str]:
        """Return the names of the queues that kombu has bound, except internal ones."""
        found: set[str] = set()
        async for key in self._client.scan_iter(BINDINGS, count=1000):
            for member in await self._client.smembers(key):
                # A member of the set consists of a routing key, a pattern and a queue.
                found.add(member.decode(errors="replace").split("\x06\x16")[-1])
        return {
            name
            for name in found
            if not name.startswith("celeryev.") and not name.endswith(".pidbox")
        }

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._client is not None:
            await self._client.aclose()
