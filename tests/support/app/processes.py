"""Kills, freezes and restarts the processes of a running app."""

import contextlib
import os
import signal
from collections.abc import Iterator

import redis

from support.running import Running
from tutorial.project import procfile
from tutorial.runtime import services
from tutorial.runtime.processes import Process
from tutorial.runtime.waiting import wait_until


def kill(process: Process, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process, and wait until it has ended."""
    os.killpg(process.group, number)
    process.child.wait(timeout=20)


def restart(running: Running, name: str) -> None:
    """Start the process of that name again. It must have ended before the call."""
    running.project.restart(running.processes, name)
    running.project.wait_until_ready(60)


@contextlib.contextmanager
def second_worker(running: Running) -> Iterator[Process]:
    """Run a second worker during the `with` block, and yield its process."""
    command = procfile.processes(running.project.folder)["worker"]
    worker = running.project.running["second worker"] = running.processes.start(
        "second worker",
        f"{command} --hostname second@%h",
        folder=running.project.folder,
        environment=running.project.environment,
    )
    try:
        running.project.wait_until_ready(60)
        yield worker
    finally:
        del running.project.running["second worker"]
        running.processes.stop([worker], grace=0)


@contextlib.contextmanager
def without_redis(running: Running) -> Iterator[None]:
    """Kill Redis, and start it again at the end of the `with` block."""
    kill(running.redis)
    try:
        yield
    finally:
        running.redis, _ = services.start_redis(
            running.processes, running.redis_data, running.redis_port
        )


@contextlib.contextmanager
def without_worker(running: Running) -> Iterator[None]:
    """Kill the worker, and start it again at the end of the `with` block."""
    kill(running.project.running["worker"])
    try:
        with ask_redis(running) as client:
            # Until Redis notices that the worker has ended, Redis would send the next
            # message to this worker.
            wait_until(
                lambda: client.info("clients")["blocked_clients"] == 0,
                seconds=10,
                otherwise="Redis is still waiting for the worker",
            )
        yield
    finally:
        restart(running, "worker")


@contextlib.contextmanager
def frozen(process: Process) -> Iterator[None]:
    """Freeze the process until the end of the `with` block.

    A frozen process still accepts connections, but does not respond.
    """
    os.killpg(process.group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(process.group, signal.SIGCONT)


def ask_redis(running: Running) -> redis.Redis:
    """Return a client of the app's Redis."""
    return redis.Redis.from_url(running.site.redis_url)
