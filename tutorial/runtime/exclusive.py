"""Resources that only one process at a time may have: TCP ports, and locks on files."""

import contextlib
import fcntl
import secrets
import socket
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from tutorial.problem import Problem
from tutorial.runtime import wsl

# These ports are below the range that systems use for outgoing connections. An outgoing
# connection could take a port in that range before our process listens on it.
PORTS = range(20_000, 32_000)

# To reserve a TCP port, a process of the program binds the UDP port of the same number.
# The program's other processes then see that the TCP port is taken. The system releases
# the UDP port when this process ends for any reason.
_reserved: deque[socket.socket] = deque(maxlen=64)


def free_port(preferred: int = 0, host: str = "127.0.0.1") -> int:
    """Return a free TCP port on 127.0.0.1.

    It is `preferred` if that port is free, both there and at the address `host`.
    Otherwise, it is one of PORTS.

    No other call gets the same port from PORTS until a process has had time to start
    listening on it. Without this rule, two projects that start at the same time might
    get the same port. Raises Problem if no port is free.
    """
    if preferred and _is_free(preferred) and _is_free(preferred, host):
        return preferred
    start = secrets.randbelow(len(PORTS))
    for port in (*PORTS[start:], *PORTS[:start]):
        if _is_free(port) and _reserve(port):
            return port
    raise Problem("This machine has no free TCP port on 127.0.0.1.")


def check_port(
    port: int,
    way_out: str = "Choose another port:",
    option: str = "--port",
    host: str = "127.0.0.1",
) -> None:
    """Raise Problem if `port` is taken; `way_out` says what to do about it."""
    if free_port(port, host) != port:
        raise Problem(
            f"Port {port} is not available: another program is using it, or you are not"
            f" allowed to use it. {way_out} {option} {free_port()}"
            f"{wsl.note(port)}"
        )


def listens(port: int) -> bool:
    """Whether a process accepts TCP connections on `port` of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def locked(file: Path, refusal: str = "", waiting: str = "") -> Iterator[None]:
    """Hold the lock on `file`, which is created if it does not exist.

    If another process holds the lock, prints the text `waiting`, and waits. If
    `refusal` is given, raises Problem with that text instead. Also raises Problem if
    the file cannot be created.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        opened = file.open("r" if file.exists() else "a")
    except OSError as error:
        raise not_writable(error, file) from error
    with opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if refusal:
                raise Problem(refusal) from None
            if waiting:
                print(waiting, file=sys.stderr, flush=True)
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def not_writable(error: OSError, path: Path) -> Problem:
    """Return a Problem which says that the tutorial cannot create `path`."""
    return Problem(
        f"Cannot write to the tutorial's folder: {error.strerror}, {path}.\n"
        "The program makes .venv and .run there. Clone or copy the tutorial into a"
        " folder of your own, and run the same command there."
    )


def _is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _reserve(port: int) -> bool:
    lock = socket.socket(type=socket.SOCK_DGRAM)
    try:
        lock.bind(("127.0.0.1", port))
    except OSError:
        lock.close()
        return False
    if len(_reserved) == _reserved.maxlen:
        _reserved.popleft().close()
    _reserved.append(lock)
    return True
