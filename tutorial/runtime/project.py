"""A project in a folder: its environment, its manage.py, and its processes."""

import contextlib
import hashlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from tutorial.paths import RUN, VENV
from tutorial.problem import Problem
from tutorial.project import procfile
from tutorial.project.steps import every
from tutorial.runtime import codespaces, processes
from tutorial.runtime.exclusive import listens, locked
from tutorial.runtime.processes import Process, Processes
from tutorial.runtime.services import NO_PROXY
from tutorial.runtime.waiting import wait_until


def state_folder(folder: Path) -> Path:
    """Return the folder where the services of a project keep their data.

    `folder` is the folder of the project.
    """
    folder = folder.resolve()
    if any(step.folder == folder for step in every()):
        return RUN / folder.name
    # A learner may have two folders with the same name.
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]
    return RUN / f"{folder.name[:40]}-{digest}"


def own_python(folder: Path) -> Path | None:
    """Return the virtual environment in the folder of the project, or None.

    An environment without Django does not count, because nothing was installed into it.
    """
    for place in (folder / ".venv", folder / "venv"):
        has_django = any(place.glob("lib/python*/site-packages/django"))
        if has_django and (place / "bin" / "python").exists():
            return place
    return None


def redis_url_file(folder: Path) -> Path:
    """Return the path of the file with the URL of the Redis that `run` has started.

    The file exists only while `run` runs the project.
    """
    return state_folder(folder) / "redis-url"


@contextlib.contextmanager
def alone(folder: Path, title: str) -> Iterator[None]:
    """Lock the project in `folder`, so that it is not run twice at the same time.

    Otherwise, two Redis servers would write to the same files. Raises Problem if the
    project is running already.
    """
    refusal = f"{title} is running in another terminal. Stop it there first."
    with locked(state_folder(folder) / "lock", refusal):
        yield


def address_file(folder: Path) -> Path:
    """Return the path of the file with the address of the project.

    The file exists only while `run` runs the project.
    """
    return state_folder(folder) / "address"


def others() -> list[str]:
    """Return the addresses of the projects that `run` runs in other terminals."""
    found = []
    for file in RUN.glob("*/address"):
        try:
            with locked(file.with_name("lock"), "it runs"):
                file.unlink()  # left behind by a `run` that was killed
        except Problem:
            with contextlib.suppress(FileNotFoundError):
                found.append(file.read_text())
    return sorted(found)


class Project:
    """One project folder, and the environment of its processes.

    Add the addresses of its services, such as REDIS_URL, to `environment`. If the
    folder is a copy, `original` is the folder that was copied. The processes then
    use the virtual environment of `original`, because a copy does not include one.
    """

    def __init__(
        self, folder: Path, port: int, *, original: Path | None = None
    ) -> None:
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        # The address for the user's browser.
        self.address = codespaces.address(port) or self.url
        self.running: dict[str, Process] = {}
        python = (own_python(original or folder) or VENV) / "bin"
        self.environment: dict[str, str] = {
            **os.environ,
            **NO_PROXY,
            **codespaces.variables(port),
            "PATH": f"{python}{os.pathsep}{os.environ.get('PATH', '')}",
            "PORT": str(port),
            # Without DEBUG, the finished app requires the settings for production.
            "DEBUG": os.environ.get("DEBUG", "1"),
            "PYTHONUNBUFFERED": "1",
            # Python must not create __pycache__ in the step's folder.
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def migrate(self) -> None:
        """Migrate the database. Raises Problem with Django's error."""
        # The system checks import the whole project, which takes longer than the
        # migrations. The web process runs them anyway, and reports errors.
        result = self.manage("migrate", "--skip-checks", "--verbosity", "0")
        if result.returncode:
            words = (result.stdout + result.stderr).strip().splitlines()[-8:]
            raise Problem("python manage.py migrate failed:\n" + "\n".join(words))

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py with `arguments`, and return its exit status and its output."""
        return self.call(["python", "manage.py", *arguments])

    def call(
        self,
        command: list[str],
        environment: Mapping[str, str] = MappingProxyType({}),
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in this project, and return its exit status and output.

        Ends the command and raises TimeoutExpired after `timeout` seconds.
        """
        with processes.popen(
            command,
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as child:
            try:
                output, errors = child.communicate(timeout=timeout)
            except BaseException:
                child.kill()
                raise
        return subprocess.CompletedProcess(command, child.returncode, output, errors)

    def start(
        self, processes: Processes, commands: Mapping[str, str] | None = None
    ) -> None:
        """Start the processes of the Procfile or, if given, those of `commands`.

        `commands` maps the name of each process to its command.
        """
        if commands is None:
            commands = procfile.processes(self.folder)
        for name, command in commands.items():
            self.running[name] = processes.start(
                name,
                command,
                folder=self.folder,
                environment=self.environment
                | {"TUTORIAL_PROCESS": procfile.role(name, command)},
            )

    def restart(self, processes: Processes, name: str) -> None:
        """Start the process `name` of the Procfile again, after it has ended."""
        self.start(processes, {name: procfile.processes(self.folder)[name]})

    def listens(self) -> bool:
        """Whether the web process accepts connections."""
        return listens(self.port)

    def wait_until_ready(self, seconds: float = 30) -> None:
        """Wait until the web process listens and the worker, if any, takes messages.

        Raises Problem if a process ends before that. After `seconds`, raises
        TimeoutError with the last lines of each process.
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
    """Whether a Celery worker has printed that it is ready.

    A worker prints that only at the log levels INFO and DEBUG. At the default level,
    the list of queues in its banner is the sign that it is ready.
    """
    command = str(worker.child.args)
    is_quiet = not re.search(r"(-l|--loglevel)[ =]?(info|debug)", command, re.I)
    signs = (" ready.", "[queues]") if is_quiet else (" ready.",)
    return any(sign in line for line in worker.lines for sign in signs)
