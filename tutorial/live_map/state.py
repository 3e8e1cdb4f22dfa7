"""Collects everything that the map's page shows while the project runs."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tutorial.live_map.hops import hidden
from tutorial.live_map.in_redis import InRedis
from tutorial.live_map.journey import ENDED
from tutorial.live_map.journeys import Journeys
from tutorial.live_map.stuck import judge
from tutorial.live_map.world import Process, World
from tutorial.observer.events import Event, Tail
from tutorial.project import procfile
from tutorial.project.steps import Step
from tutorial.runtime.exclusive import listens
from tutorial.runtime.stack import Stack

MOST_RECEIVERS = 200
# While a process is in one of these states, the page does not show the last line that
# the process has printed.
QUIET = ("starting", "running")
NOTICED = 0.5  # seconds until a new process is noticed


class State:
    """The state of a running project, for the page.

    `tail` reads the observer's events.
    """

    def __init__(self, stack: Stack, step: Step, tail: Tail) -> None:
        self._stack = stack
        self._tail = tail
        # A function that says whether the worker's code is older than the files. `run`
        # replaces this default.
        self.is_older: Callable[[], bool] = lambda: False
        self.step = step
        self.journeys = Journeys()
        self.world = World(step=step.number, sockets=self.journeys.sockets)
        self.counts: dict[str, int] = {"requests": 0, "tasks": 0, "frames": 0}
        self._processes: dict[str, Process] = {}
        self._webs: dict[int, float] = {}  # the start times of web processes, by pid
        self._redis: InRedis | None = None
        self.problem = ""  # an error of the map itself
        self._broker = ""  # the address that Celery uses
        self._sent: dict[str, Any] = {}  # the state's parts at the last call of `news`

    # --- events ---------------------------------------------------------------------

    def read(self) -> None:
        """Read the new events, and update the searches that they belong to."""
        for event in self._tail.read():
            self._note(event)
        self._look_at_sockets()
        now = time.time()
        for journey in list(self.journeys.all.values()):
            is_new = journey.number in self.journeys.changed
            if not is_new and journey.state in ENDED:
                continue
            before = journey.state, journey.halt
            judge(journey, self.world, now)
            if before != (journey.state, journey.halt):
                self.journeys.changed.add(journey.number)

    def _note(self, event: Event) -> None:
        what, pid, world = event["what"], event["pid"], self.world
        if what == "worker ready":
            world.workers[pid] = event
        elif what == "enqueued":
            self._broker = event["broker"]
        elif what == "unknown task":
            world.unknown = [*world.unknown[-20:], event]
        elif what == "connected":
            world.receivers = [*world.receivers[-MOST_RECEIVERS:], event]
        elif what == "task started":
            world.running[event["id"]] = event["time"]
            self.counts["tasks"] += 1
        elif what == "task ended":
            world.running.pop(event["id"], None)
        elif what == "request":
            self.counts["requests"] += 1
        elif what == "consumer sends" and event["type"] == "websocket.send":
            self.counts["frames"] += 1
        elif what == "observer starts" and event["process"] == "web":
            self._webs[pid] = event["time"]
        self.journeys.add(event)

    def _look_at_sockets(self) -> None:
        sockets, world = self.journeys.sockets, self.world
        for pid in {pid for pid, _ in sockets.open}:
            if not _is_alive(pid):
                sockets.ended(pid)
        for pid in [pid for pid in world.workers if not _is_alive(pid)]:
            del world.workers[pid]
            world.dead.add(pid)
            world.running.clear()

    # --- processes and Redis --------------------------------------------------------

    async def look(self) -> None:
        """Look at the processes and at Redis."""
        self._look_at_processes()
        # Processes start after services, so the address of Redis is known now.
        if self._redis is None and self._processes:
            self._redis = InRedis(self._stack.redis_url)
        if self._redis is None:
            return
        names = {name for one in self.world.workers.values() for name in one["queues"]}
        await self._redis.look(names or {"celery"}, self._broker)
        self.world.queues = self._redis.queue_of
        self.world.redis_error = self._redis.error

    def _look_at_processes(self) -> None:
        if not hasattr(self._stack, "project"):
            return
        for name, running in list(self._stack.project.running.items()):
            child = running.child
            role = procfile.role(name, str(child.args))
            known = self._processes.get(name)
            if known is None:
                known = Process(name, role, pid=child.pid, since=time.time())
                self._processes[name] = known
            elif known.pid != child.pid:
                known.pid, known.since = child.pid, time.time()
                known.state, known.starts = "starting", known.starts + 1
            if role == "web":
                # Django's server starts a new child after each save.
                since = known.since - 2 * NOTICED
                mine = [pid for pid, at in self._webs.items() if at >= since]
                known.reloads = sum(not _is_alive(pid) for pid in mine)
            lines = running.lines
            known.line = hidden(lines[-1])[:200] if lines else ""
            known.is_older = role == "worker" and self.is_older()
            if child.poll() is not None:
                known.state = "ended"
                known.line = f"{running.how_it_ended()}: {known.line}".strip(": ")
            elif known.state == "starting":
                known.state = "running" if self._is_ready(known) else "starting"
            elif role == "web":
                listening = listens(self._stack.project.port)
                known.state = "running" if listening else "does not listen"
        self.world.processes = list(self._processes.values())
        self.world.folder = self._stack.project.folder

    def _is_ready(self, process: Process) -> bool:
        if process.role == "web":
            return listens(self._stack.project.port)
        if process.role == "worker":
            return any(
                event["time"] >= process.since - 2 * NOTICED for event in self._ready()
            )
        return True

    def _ready(self) -> list[Event]:
        return list(self.world.workers.values())

    async def close(self) -> None:
        """Close the connection to Redis."""
        if self._redis is not None:
            await self._redis.close()

    # --- for the page -----------------------------------------------------------------

    def all(self) -> dict[str, Any]:
        """Return the complete state, for a page that was just opened."""
        searches = [journey.data() for journey in self.journeys.all.values()]
        return {**self._parts(), "searches": searches}

    def news(self) -> dict[str, Any]:
        """Return the parts that have changed since the last call, or an empty dict."""
        parts = self._parts()
        found = {
            name: part for name, part in parts.items() if part != self._sent.get(name)
        }
        self._sent = parts
        if changed := self.journeys.take_changed():
            found["searches"] = [journey.data() for journey in changed]
        numbers = list(self.journeys.all)
        if numbers != self._sent.get("numbers"):
            found["numbers"] = numbers
        return found

    def _parts(self) -> dict[str, Any]:
        sockets = self.journeys.sockets
        groups = {
            name: {"name": name, "processes": processes, "sockets": count}
            for name in sorted(sockets.groups)
            for processes, count in [sockets.of(name)]
        }
        for one in self._redis.groups if self._redis else []:
            group = groups.setdefault(one["name"], {"name": one["name"], "sockets": 0})
            group["processes"] = one["processes"]
        return {
            "processes": [
                {
                    "name": one.name,
                    "role": one.role,
                    "state": one.state,
                    "pid": one.pid,
                    "starts": one.starts + one.reloads,
                    "line": one.line if one.state not in QUIET else "",
                    "older": one.is_older,
                }
                for one in self.world.processes
            ],
            "redis": {
                "used": bool(self._redis and self._stack.redis_url),
                "error": self.world.redis_error,
                "queues": self._redis.queues if self._redis else [],
                "groups": list(groups.values())[:20],
                "group_count": len(groups),
            },
            "counts": {
                **self.counts,
                "searches": self.journeys.total,
                "sockets": len(sockets.open),
                "running": len(self.world.running),
            },
            "numbers": list(self.journeys.all),
            "problem": self.problem,
        }


def _is_alive(pid: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True
