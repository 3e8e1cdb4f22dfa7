"""Starts `final/` with short timeouts, so that a test does not wait for minutes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from support.running import Running, start_running
from tutorial.project import steps
from tutorial.project.files import copy_project

SITE_NAME = "tested"
QUEUE = f"{SITE_NAME}.celery"

# Timeouts in seconds, and a high limit of searches. With the app's default timeouts, a
# test would wait for minutes.
SHORT = {
    "OPENAI_TIMEOUT_SECONDS": "2",
    "OPENAI_FIRST_WORD_SECONDS": "6",
    "SEARCH_LEASE_SECONDS": "2.5",
    "SEARCH_GRACE_SECONDS": "5",
    "SOCKET_CHECK_SECONDS": "1",
    "REDIS_HEARTBEAT_SECONDS": "1",
    "SEARCHES_PER_MINUTE": "1000",
    "UVICORN_WS_PING_INTERVAL": "5",
}


def channel_of(user_id: object) -> str:
    """Return the name of the Redis channel of a user's group."""
    return f"{SITE_NAME}__group__user_{user_id}"


def start_app(
    parent: Path,
    environment: Mapping[str, str] = MappingProxyType({}),
    stand_in_options: Sequence[str] = (),
    additions: Mapping[str, str] = MappingProxyType({}),
) -> Running:
    """Copy `final/` into the folder `parent`, and start the copy with short timeouts.

    `additions` maps names of its files to texts that are appended to these files.
    """
    step = steps.find("final")
    folder = parent / "project"
    copy_project(step.folder, folder)
    for name, text in additions.items():
        with (folder / name).open("a") as file:
            file.write(text)
    own = {"SITE_NAME": SITE_NAME, **SHORT, **environment}
    running = start_running(step, folder, own, stand_in_options)
    # No test checks how the whole app shuts down, so do not wait for open sockets.
    running.stack.grace = 0
    return running
