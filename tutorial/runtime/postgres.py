"""A PostgreSQL for the tests: one on this machine, or Debian's package."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

from tutorial.problem import Problem
from tutorial.runtime import debian
from tutorial.runtime.processes import Process, Processes
from tutorial.runtime.waiting import wait_until

# Passes the folder of the programs that were found on to child processes.
POSTGRES_VARIABLE = "TUTORIAL_POSTGRES"

# PostgreSQL refuses to run as root. Debian's package adds this user.
USER = "postgres"

# Fast and not durable: a crash of the machine may lose what a test has written.
OPTIONS = {
    "fsync": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "300",
    "shared_buffers": "32MB",
    "unix_socket_directories": "",
}


def find_postgres() -> str | None:
    """The folder of PostgreSQL's programs; None if this machine cannot have one."""
    return _present() or (_present() if debian.install("postgresql") else None)


def _present() -> str | None:
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    # Where Debian keeps them, by version: the newest one.
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(versions, key=lambda folder: folder.parent.name, reverse=True)
    found = (folder for folder in folders if (folder / "postgres").exists())
    return str(next(found, "")) or None


def start_postgres(
    processes: Processes, programs: Path, data: Path, port: int
) -> tuple[Process, str]:
    """Start a PostgreSQL of our own on 127.0.0.1, with its data in the folder `data`.

    An empty folder becomes a new database cluster. Returns the process and its URL once
    it answers. Raises Problem if it ends before.
    """
    as_user = []
    if os.geteuid() == 0:
        shutil.chown(data, USER, USER)
        as_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    if not any(data.iterdir()):
        _fill(programs, data, as_user)
    server = [str(programs / "postgres"), "-D", str(data), "-p", str(port)]
    for name, value in OPTIONS.items():
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


def _fill(programs: Path, data: Path, as_user: list[str]) -> None:
    initdb = [str(programs / "initdb"), "--pgdata", str(data), "--auth", "trust"]
    initdb += ["--username", USER, "--encoding", "UTF8", "--no-sync"]
    made = subprocess.run(as_user + initdb, capture_output=True, text=True, cwd="/")
    if made.returncode:
        raise Problem(f"initdb failed: {made.stderr.strip()[-500:]}")
