"""A Debian machine to deploy on: a copy of the machine on which the tests run.

The copy is discarded later.

Its files are an overlay over the files of this machine, and changes are kept in memory.
Its processes are in a separate PID namespace, and end when the copy is discarded. The
copy uses the network of this machine, so that it can install packages.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tutorial.runtime.exclusive import listens

SYSTEMCTL = Path(__file__).with_name("systemctl.py")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PORTS = (80, 443, 5432, 6379, 6432, 8001, 8002)

# Packages that may be installed here, but not on a newly installed machine.
PACKAGES = "'postgresql*' 'pgbouncer*' 'redis*' 'nginx*'"

MAKE = """
set -e
mount -t tmpfs -o size=4g none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" none "$1/root"
mount --rbind /dev "$1/root/dev"
mount -t proc none "$1/root/proc"
mount -t tmpfs none "$1/root/run"
mount -t tmpfs none "$1/root/root"
mount --bind "$4" "$1/root$4"
mkdir -p "$1/root/run/lock" "$1/root/srv"
printf '#!/bin/sh\\nexit 101\\n' > "$1/root/usr/sbin/policy-rc.d"
chmod +x "$1/root/usr/sbin/policy-rc.d"
exec "$2" -c "$3"
"""
# The program of the copy's first process. It reaps orphaned processes.
FIRST = """
import os, time
print("ready", flush=True)
while True:
    try:
        os.wait()
    except ChildProcessError:
        time.sleep(0.05)
"""


class CommandFailed(Exception):
    """A command on the machine ended with a status other than 0."""


class Machine:
    """A context manager that starts the new machine, and discards it at the end.

    Both machines see the same files in `shared`, a folder of this machine. The new
    machine uses the `ports` of 127.0.0.1, so they must be free on this machine.
    """

    def __init__(
        self, folder: Path, shared: Path, ports: tuple[int, ...] = PORTS
    ) -> None:
        self.folder, self.shared, self.ports = folder, shared, ports
        self.root = folder / "root"

    def __enter__(self) -> "Machine":
        taken = [port for port in self.ports if listens(port)]
        assert not taken, f"in use on this machine: ports {taken}"
        self._first = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
            + ["sh", "-c", MAKE, "sh", str(self.folder), sys.executable, FIRST]
            + [str(self.shared)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._first.stdout.readline() == "ready\n"
        children = Path(f"/proc/{self._first.pid}/task/{self._first.pid}/children")
        self._pid = children.read_text().split()[0]
        try:
            self._empty()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._first.kill()
        self._first.wait()
        self._first.stdout.close()

    def _empty(self) -> None:
        self.run(f"apt-get purge --yes --autoremove {PACKAGES}")
        self.run("rm -rf /etc/postgresql* /var/lib/postgresql /var/lib/redis")
        self.run("mkdir -p /usr/local/bin")
        text = SYSTEMCTL.read_text()
        self.write("/usr/local/bin/systemctl", f"#!/usr/bin/python3\n{text}", 0o755)

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file on the machine."""
        self.run(f"cat > {path} && chmod {mode:o} {path}", text)

    def run(self, command: str, given: str = "") -> str:
        """Run a command as root, and return its output.

        Raises CommandFailed if its exit status is not 0.
        """
        network = {
            name: value
            for name, value in os.environ.items()
            if name.lower().startswith(("pip_", "http_", "https_", "no_proxy"))
        }
        result = subprocess.run(
            ["nsenter", "--target", self._pid, "--mount", "--pid"]
            + ["chroot", str(self.root), "sh", "-e", "-c", command],
            input=given,
            env={
                "DEBIAN_FRONTEND": "noninteractive",
                "HOME": "/root",
                "LANG": "C.UTF-8",
                "PATH": PATH,
                **network,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=600,
        )
        if result.returncode:
            logs = ""
            with contextlib.suppress(CommandFailed):
                if "log" not in command:
                    logs = self.run("tail --lines 20 /var/log/search-*.log")
            raise CommandFailed(f"{command}\n{result.stdout[-3000:]}\n{logs}")
        return result.stdout


def why_not() -> str:
    """Return the reason why this machine cannot be copied, or "" if it can."""
    if sys.platform != "linux" or not shutil.which("apt-get"):
        return "this is not Debian"
    if os.geteuid() != 0:
        return "only root can make a copy of this machine"
    return ""
