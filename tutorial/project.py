"""A project in a folder, started as a person would start it: by its Procfile."""

import os
import socket
import subprocess
from pathlib import Path

from tutorial import procfile
from tutorial.environment import VENV
from tutorial.problem import Problem
from tutorial.processes import Process, Processes, wait_until
from tutorial.services import NO_PROXY, RUN


def state_folder(folder: Path) -> Path:
    """Where the services of the project in `folder` keep their data."""
    return RUN / folder.name


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
        self.running: dict[str, Process] = {}
        self.environment: dict[str, str] = {
            **os.environ,
            **NO_PROXY,
            "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "PORT": str(port),
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
            worker = self.running.get("worker")
            if worker and not any(" ready." in line for line in worker.lines):
                return False
            return "web" not in self.running or self.listens()

        wait_until(
            is_ready,
            seconds=seconds,
            otherwise=lambda: "\n".join(map(last_words, self.running.values())),
        )
