"""Watches which hosts the project connects to, and blocks the real OpenAI API."""

import functools
import os
import socket

from .moved import IS_MOVED
from .notes import guarded, note, where

HERE = ("127.0.0.1", "::1", "localhost", "0.0.0.0", "", None)
# The API that the stand-in replaces. If the project's code contains a key, a request to
# this API costs money.
REAL_API = "api.openai.com"


def watch_hosts():
    look_up = socket.getaddrinfo
    is_replaced = IS_MOVED and "127.0.0.1" in os.environ.get("OPENAI_BASE_URL", "")

    @functools.wraps(look_up)
    def watched(host, port, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        if name not in HERE and name != socket.gethostname():
            guarded(note)("asks host", host=name, at=where())
            if name == REAL_API and is_replaced:
                raise socket.gaierror(f"no request is sent to {name} during a check")
        return look_up(host, port, *args, **kwargs)

    socket.getaddrinfo = watched
