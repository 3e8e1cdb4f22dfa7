"""Simulates the sockets of many open pages."""

import asyncio
import contextlib
import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from .person import ENDED, Person


class Tab:
    """A page's socket, which reconnects whenever it has closed."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.snapshots = 0  # snapshots received: one for each connection
        self.seen: set[str] = set()  # the ids of the searches that a frame has named
        self.ended: set[str] = set()  # the ids of the searches that have ended

    async def live(self) -> None:
        """Connect and listen. When the socket closes, connect again."""
        site = self.person.site
        while True:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                async with connect(
                    site.socket_url,
                    origin=site.url,
                    additional_headers={"Cookie": self.person.cookie_header},
                    open_timeout=20,
                ) as socket:
                    async for text in socket:
                        self.take(json.loads(text))
            await asyncio.sleep(random.uniform(0.25, 0.5))

    def take(self, frame: dict) -> None:
        """Record the searches that the frame reports."""
        self.snapshots += "searches" in frame
        for search in frame.get("searches", [frame]):
            self.seen.add(search["task_id"])
            if search.get("status") in ENDED:
                self.ended.add(search["task_id"])


@contextlib.contextmanager
def living(tabs: list[Tab]) -> Iterator[None]:
    """Connect the tabs, and keep them connected during the `with` block."""
    is_over = threading.Event()

    async def live() -> None:
        tasks = [asyncio.ensure_future(tab.live()) for tab in tabs]
        while not is_over.is_set():
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if not isinstance(result, asyncio.CancelledError):
                raise result

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(asyncio.run, live())
        try:
            yield
        finally:
            is_over.set()
        done.result()
