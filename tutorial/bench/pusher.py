"""Pushes messages to every user of a project, as fast as one process can.

    python -P pusher.py HOW COUNT

HOW says what the pusher imitates: "floor" is the worker of the minimal program in
floor.py, "step" is the signal handler of the steps, and "final" is the worker of
final/. The pusher runs in the project's folder and environment, and imports nothing
from `tutorial`. Each push contains the time at which it was sent, in seconds of
CLOCK_MONOTONIC.
"""

import asyncio
import itertools
import json
import os
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable

import django
import redis.asyncio
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model

IN_FLIGHT = 50  # pushes that the process sends concurrently

TASK_ID = str(uuid.uuid4())


def news(number: int) -> dict:
    """Return a chunk of an answer, as final/ sends it."""
    words = "the worker has taken it and "
    data = {"task_id": TASK_ID, "sequence": number, "chunk": words}
    return data | {"pushed": time.monotonic()}


async def push_all(
    users: Iterable[int], count: int, push: Callable[[int, dict], Awaitable[None]]
) -> None:
    """Push `count` messages to the users in turn, IN_FLIGHT of them concurrently."""
    numbers = iter(range(count))
    turns = itertools.cycle(users)

    async def take_part() -> None:
        for number in numbers:
            await push(next(turns), news(number))

    await asyncio.gather(*(take_part() for _ in range(IN_FLIGHT)))


def push_as_floor(count: int) -> None:
    """Publish messages in Redis. The web process of floor.py forwards them."""

    async def main() -> None:
        client = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])

        async def push(user: int, data: dict) -> None:
            await client.publish(f"user_{user}", json.dumps(data))

        users = os.environ["FLOOR_USERS"].split()
        await push_all(users, count, push)

    asyncio.run(main())


def users_of_project() -> list[int]:
    """Return the ids of all users of the project."""
    sys.path.insert(0, os.getcwd())  # noqa: PTH109
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    return list(get_user_model().objects.values_list("pk", flat=True))


def push_as_step(count: int) -> None:
    """Push with the function that the steps' signal handler calls."""
    turns = itertools.cycle(users_of_project())
    for number in range(count):
        async_to_sync(get_channel_layer().group_send)(
            f"user_{next(turns)}", {"type": "send_search_result", "data": news(number)}
        )


def push_as_final(count: int) -> None:
    """Push with the function that the worker of final/ calls for each chunk."""
    users = users_of_project()
    # Python finds this module, because `users_of_project` has put the project's folder
    # on the path.
    from search.handlers import broadcast

    asyncio.run(push_all(users, count, broadcast))


if __name__ == "__main__":
    _, how, count = sys.argv
    {"floor": push_as_floor, "step": push_as_step, "final": push_as_final}[how](
        int(count)
    )
