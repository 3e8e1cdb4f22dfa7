"""Makes Django's reloader start the server in a forked process.

The reloader runs the project's server in a child process, and replaces the child after
each save. A signal to the reloader's process group must reach that child, too.
Therefore, a helper process in the same group forks the child. The helper itself was
forked before anything of the project was imported.
"""

import json
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from django.utils import autoreload

RELOAD = 3  # the exit status of a server that has seen a change


def prepare(request: dict[str, Any], run: Callable[[dict[str, Any]], None]) -> None:
    """Make Django's reloader start `manage.py runserver` with `run(request)`."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        ours.close()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        variables = {autoreload.DJANGO_AUTORELOAD_ENV: "true"}
        environment = request["environment"] | variables
        _nurse(theirs, request | {"environment": environment, "leads": False}, run)
    theirs.close()

    def restart_with_reloader() -> int:
        status = RELOAD
        while status == RELOAD:
            ours.send(b"start")
            status = json.loads(ours.recv(1000))
        return status

    autoreload.restart_with_reloader = restart_with_reloader


def _nurse(
    connection: socket.socket,
    request: dict[str, Any],
    run: Callable[[dict[str, Any]], None],
) -> None:
    """Fork for each message, and report the child's exit status. Never returns."""
    while connection.recv(1000):
        pid = os.fork()
        if pid == 0:
            connection.close()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            run(request)  # never returns
        _, status = os.waitpid(pid, 0)
        try:
            connection.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())
        except OSError:
            break  # the reloader has ended
    os._exit(0)
