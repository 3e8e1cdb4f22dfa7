"""Starts PostgreSQL and PgBouncer for the tests, and installs them on Debian."""

import os
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from tutorial.problem import Problem
from tutorial.runtime import debian
from tutorial.runtime.exclusive import listens
from tutorial.runtime.processes import Process, Processes
from tutorial.runtime.waiting import wait_until

# This variable tells child processes the folder of PostgreSQL's programs.
POSTGRES_VARIABLE = "TUTORIAL_POSTGRES"

# This variable tells child processes the path of PgBouncer.
PGBOUNCER_VARIABLE = "TUTORIAL_PGBOUNCER"

# PostgreSQL refuses to run as root. Debian's package creates this user.
USER = "postgres"

# With these settings, PostgreSQL is fast, but a crash may lose data. For tests, that is
# acceptable.
OPTIONS = {
    "fsync": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "300",
    "shared_buffers": "32MB",
    "unix_socket_directories": "",
}


def find_postgres() -> str | None:
    """Return the folder of PostgreSQL's programs. Install them if there are none.

    Returns None if they cannot be installed here.
    """
    return _present() or (_present() if debian.install("postgresql") else None)


def find_pgbouncer() -> str | None:
    """Return the path of PgBouncer. Install it if it is not there.

    Returns None if it cannot be installed here.
    """
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"
    is_there = shutil.which("pgbouncer", path=path) or debian.install("pgbouncer")
    return shutil.which("pgbouncer", path=path) if is_there else None


def _present() -> str | None:
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    # Debian stores each version in a separate folder. Prefer the newest version.
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(versions, key=lambda folder: folder.parent.name, reverse=True)
    found = (folder for folder in folders if (folder / "postgres").exists())
    return str(next(found, "")) or None


def start_postgres(
    processes: Processes, programs: Path, data: Path, port: int, **options: str
) -> tuple[Process, str]:
    """Start our own PostgreSQL server on 127.0.0.1, with its data in the folder `data`.

    An empty folder becomes a new database cluster. `options` are settings of the
    server, such as max_connections. Once the server answers, returns its process and
    its URL. Raises Problem if the process ends before that.
    """
    as_user = _own(data)
    if not any(data.iterdir()):
        _fill(programs, data, as_user)
    server = [str(programs / "postgres"), "-D", str(data), "-p", str(port)]
    for name, value in (OPTIONS | options).items():
        server += ["-c", f"{name}={value}"]
    process = processes.start(
        "postgres", as_user + server, folder=Path("/"), environment=os.environ
    )

    def is_up() -> bool:
        if process.child.poll() is not None:
            raise Problem(f"PostgreSQL {process.how_it_ended()}: {process.lines[-5:]}")
        if not any("ready to accept" in line for line in process.lines):
            return False
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", port)) == 0

    wait_until(is_up, seconds=30, otherwise=lambda: "\n".join(process.lines))
    return process, f"postgres://{USER}@127.0.0.1:{port}/{USER}"


def start_pgbouncer(
    processes: Processes,
    program: str,
    data: Path,
    port: int,
    database: str,
    **options: str,
) -> str:
    """Start PgBouncer in transaction mode in front of the server at the URL `database`.

    PgBouncer opens up to 40 connections to the server, and stores its files in the
    folder `data`. `options` are further settings, such as query_wait_timeout. Returns
    the URL at which PgBouncer offers the same database.
    """
    url = urlsplit(database)
    more = "\n".join(f"{name} = {value}" for name, value in options.items())
    (data / "users.txt").write_text(f'"{url.username}" ""\n')
    (data / "pgbouncer.ini").write_text(
        f"""
[databases]
* = host={url.hostname} port={url.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {data / "users.txt"}
pool_mode = transaction
default_pool_size = 40
max_client_conn = 1000
{more}
"""
    )
    command = [*_own(data), program, str(data / "pgbouncer.ini")]
    process = processes.start(
        "pgbouncer", command, folder=Path("/"), environment=os.environ
    )
    wait_until(
        lambda: process.child.poll() is not None or listens(port),
        seconds=15,
        otherwise="PgBouncer does not listen",
    )
    if process.child.poll() is not None:
        raise Problem(f"PgBouncer {process.how_it_ended()}: {process.lines[-5:]}")
    return url._replace(netloc=f"{url.username}@127.0.0.1:{port}").geturl()


def _own(data: Path) -> list[str]:
    """Return the words to put before a command so that USER runs it instead of root.

    USER becomes the owner of `data`. If this process does not run as root, returns
    an empty list and does not change the owner.
    """
    if os.geteuid() != 0:
        return []
    shutil.chown(data, USER, USER)
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]


def _fill(programs: Path, data: Path, as_user: list[str]) -> None:
    initdb = [str(programs / "initdb"), "--pgdata", str(data), "--auth", "trust"]
    initdb += ["--username", USER, "--encoding", "UTF8", "--no-sync"]
    made = subprocess.run(as_user + initdb, capture_output=True, text=True, cwd="/")
    if made.returncode:
        raise Problem(f"initdb failed: {made.stderr.strip()[-500:]}")
