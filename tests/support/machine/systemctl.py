"""A replacement for systemctl on a machine without systemd.

It reads the same unit files, and starts each service as the user that its file names.
It supports the options that the units of the app and of Redis use. For Debian's other
services, it runs the scripts in /etc/init.d.
"""

import configparser
import math
import os
import pwd
import shlex
import shutil
import signal
import subprocess
import sys
import time
from fnmatch import fnmatch
from pathlib import Path

UNITS = Path("/etc/systemd/system")
DEBIANS = Path("/lib/systemd/system")


class Unit:
    """A service that a unit file describes."""

    def __init__(self, name):
        self.name = name.removesuffix(".service")
        base, at, instance = self.name.partition("@")
        file = f"{base}{at}.service"
        folder = UNITS if (UNITS / file).exists() else DEBIANS
        text = (folder / file).read_text().replace("%i", instance)
        self.commands = [
            shlex.split(line.partition("=")[2])
            for line in text.splitlines()
            if line.startswith("ExecStart=")
        ]
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.read_string(text)
        self.service = parser["Service"]
        self.note = Path(f"/run/{self.name}.pid")

    def start(self):
        """Start the service. If its type is `oneshot`, wait until it has ended."""
        user = pwd.getpwnam(self.service["User"])
        if name := self.service.get("RuntimeDirectory"):
            folder = Path("/run", name)
            folder.mkdir(exist_ok=True)
            shutil.chown(folder, user.pw_uid, user.pw_gid)
        for command in self.commands:
            with Path(f"/var/log/{self.name}.log").open("a") as log:
                child = subprocess.Popen(
                    ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}"]
                    + ["--init-groups", *command],
                    cwd=self.service.get("WorkingDirectory", "/"),
                    env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            if self.service.get("Type") == "oneshot":
                if child.wait():
                    sys.exit(f"{self.name} failed")
            else:
                self.note.write_text(str(child.pid))

    def runs(self):
        """Whether the process of the service is running."""
        return self.note.exists() and runs(int(self.note.read_text()))

    def stop(self):
        """End the service.

        If it does not end within the timeout of its unit file, kill it and fail.
        """
        if not self.note.exists():
            return
        pid = int(self.note.read_text())
        self.note.unlink()
        patience = float(self.service["TimeoutStopSec"]) or math.inf
        deadline = time.monotonic() + patience
        if runs(pid):
            os.killpg(pid, signal.SIGTERM)
        while runs(pid):
            if time.monotonic() > deadline:
                os.killpg(pid, signal.SIGKILL)
                sys.exit(f"{self.name} had to be killed")
            time.sleep(0.05)


def runs(pid):
    """Whether the process exists, and is not a zombie."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )
    except FileNotFoundError:
        return False


def main(verb, *names):
    """Apply the verb, such as `start`, to each of the units."""
    names = [name for name in names if not name.startswith("--")]
    if verb in ("stop", "list-units"):
        notes = [f"{note.stem}.service" for note in sorted(Path("/run").glob("*.pid"))]
        plain = [name for name in names if "*" not in name]
        names = plain + [n for n in notes if any(fnmatch(n, name) for name in names)]
    if verb == "list-units":
        print(*(f"{name} loaded active running" for name in names), sep="\n")
        return
    if verb == "reset-failed":
        return
    if verb == "show":
        # `deploy/switch` asks for the number of restarts, and accepts only 0.
        print(0 if Unit(names[-1]).runs() else 1)
        return
    if verb == "is-active":
        sys.exit(0 if Unit(names[-1]).runs() else 3)
    verb = {"enable": "start", "disable": "stop"}.get(verb, verb)
    for name in names:
        # Redis's scripts work only if the configuration makes Redis a daemon.
        by_script = Path(f"/etc/init.d/{name}").exists() and "redis" not in name
        if by_script:
            subprocess.run(["service", name, verb], check=True)
        elif name.endswith(".timer"):
            assert "OnCalendar=" in (UNITS / name).read_text()
            if verb == "start":
                Unit(name.removesuffix(".timer")).start()
        else:
            if verb in ("stop", "restart"):
                Unit(name).stop()
            if verb in ("start", "restart"):
                Unit(name).start()


main(*sys.argv[1:])
