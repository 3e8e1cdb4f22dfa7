"""A project in a folder, started as a person would start it: by its Procfile."""

import hashlib
import os
import re
import socket
import subprocess
from pathlib import Path

from tutorial import codespaces, procfile
from tutorial.environment import VENV
from tutorial.problem import Problem
from tutorial.processes import Process, Processes, wait_until
from tutorial.services import NO_PROXY, RUN
from tutorial.steps import every


def state_folder(folder: Path) -> Path:
    """Where the services of the project in `folder` keep their data."""
    folder = folder.resolve()
    if any(step.folder == folder for step in every()):
        return RUN / folder.name
    # Folders of one's own may share a name.
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]
    return RUN / f"{folder.name[:40]}-{digest}"


def own_python(folder: Path) -> Path | None:
    """The virtual environment that the project in `folder` brings, if any.

    One that Django is not installed in was made and never filled: it does not count.
    """
    for place in (folder / ".venv", folder / "venv"):
        has_django = any(place.glob("lib/python*/site-packages/django"))
        if has_django and (place / "bin" / "python").exists():
            return place
    return None


def redis_url_file(folder: Path) -> Path:
    """Holds the URL of the Redis that `run` started for the project, while it runs."""
    return state_folder(folder) / "redis-url"


class Project:
    """One project folder, and the environment that its processes get.

    Add to `environment` the variables that lead to its services, such as REDIS_URL.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        # What a person's browser takes.
        self.address = codespaces.address(port) or self.url
        self.running: dict[str, Process] = {}
        python = (own_python(folder) or VENV) / "bin"
        self.environment: dict[str, str] = {
            **os.environ,
            **NO_PROXY,
            **codespaces.variables(port),
            "PATH": f"{python}{os.pathsep}{os.environ.get('PATH', '')}",
            "PORT": str(port),
            # The finished app is for production where nobody says otherwise.
            "DEBUG": os.environ.get("DEBUG", "1"),
            "PYTHONUNBUFFERED": "1",
            # Keeps __pycache__ out of the step's folder, and so out of `git diff`.
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def migrate(self) -> None:
        """Bring the database up to date. Raises Problem with what Django said."""
        result = self.manage("migrate", "--verbosity", "0")
        if result.returncode:
            words = (result.stdout + result.stderr).strip().splitlines()[-8:]
            raise Problem("python manage.py migrate failed:\n" + "\n".join(words))

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py with `arguments`, and return its exit status and its output."""
        return subprocess.run(
            ["python", "manage.py", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def start(self, processes: Processes, *names: str) -> None:
        """Start the processes `names` of the Procfile, or all of them."""
        commands = procfile.processes(self.folder)
        for name in names or commands:
            self.running[name] = processes.start(
                name, commands[name], folder=self.folder, environment=self.environment
            )

    def listens(self) -> bool:
        """Whether the web process takes connections."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def wait_until_ready(self, seconds: float = 30) -> None:
        """Wait until the web process listens and the worker, if any, takes messages.

        Raises Problem where a process ends meanwhile, and TimeoutError, with the last
        lines of each process, after `seconds`.
        """

        def last_words(process: Process) -> str:
            return "\n".join(f"  {process.name}: {line}" for line in process.lines[-8:])

        def is_ready() -> bool:
            for process in self.running.values():
                if process.child.poll() is not None:
                    end = f"{process.name} {process.how_it_ended()}"
                    raise Problem(f"{end}\n{last_words(process)}")
            roles = {
                name: procfile.role(name, str(process.child.args))
                for name, process in self.running.items()
            }
            for name, process in self.running.items():
                if roles[name] == "worker" and not _takes_messages(process):
                    return False
            return "web" not in roles.values() or self.listens()

        wait_until(
            is_ready,
            seconds=seconds,
            otherwise=lambda: "\n".join(map(last_words, self.running.values())),
        )


def _takes_messages(worker: Process) -> bool:
    """Whether a Celery worker has said that it is ready.

    It says so at the level INFO; at its usual one, its banner has to do.
    """
    command = str(worker.child.args)
    is_quiet = not re.search(r"(-l|--loglevel)[ =]?(info|debug)", command, re.I)
    signs = (" ready.", "[queues]") if is_quiet else (" ready.",)
    return any(sign in line for line in worker.lines for sign in signs)
