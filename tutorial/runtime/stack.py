"""The only way to start a project, with its services, database and processes.

`run`, `check`, `pictures`, `bench` and the tests all start projects with a `Stack`:

    with Stack(folder) as stack:
        print(stack.project.url)
"""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tutorial.problem import Problem
from tutorial.project import procfile
from tutorial.project.files import copy_project
from tutorial.runtime import reaper
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.processes import Process, Processes
from tutorial.runtime.project import Project
from tutorial.runtime.services import Launch, Service, launch_redis, launch_stand_in

# The options of a quick stand-in for the OpenAI API. Its latency is long enough to see
# whether a view waits for the answer, and short enough for a test.
QUICK_STAND_IN = ("--latency", "0.3", "--pace", "0.005")


def own_services(root: Path, *stand_in_options: str) -> dict[str, Launch]:
    """Return functions that start Redis and a stand-in for the OpenAI API.

    Redis stores its data below `root`.
    """
    options = (*QUICK_STAND_IN, *stand_in_options)
    return {
        "redis": lambda processes: launch_redis(processes, root / "redis"),
        "openai": lambda processes: launch_stand_in(processes, *options),
    }


@dataclass
class Stack:
    """A running project with everything that it needs, for a `with` statement.

    Entering the block copies the project, starts the services, prepares the project,
    starts its processes and waits until they are ready. If that fails, everything is
    stopped, and Problem or TimeoutError is raised with the last lines of each process.
    Leaving the block stops everything, in less than 5 seconds.
    """

    folder: Path
    """The project. It runs in a copy, unless `copy` is None."""

    root: Path | None = None
    """The folder for the copy and the services' data. None: a temporary folder."""

    copy: Callable[[Path, Path], object] | None = copy_project
    """Copies the project from `folder` to `root`/project. None: no copy."""

    port: int = 0
    """The port of the web process, for the variable PORT. 0: a free port."""

    services: Mapping[str, Launch] | None = None
    """Functions that start services, by name. None: Redis and a quick stand-in."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """More variables for the project's processes, besides those of the services."""

    without: Collection[str] = ()
    """Variables of this process that the project's processes must not inherit."""

    reloads: bool = False
    """Whether the processes start as they do for a learner: Django's server watches
    files, and a worker looks for other workers. If False, the processes start twice as
    fast."""

    prepare: Callable[[Project], object] = Project.migrate
    """Called with the project, when its services run and before its processes start."""

    commands: Callable[[Project], Mapping[str, str]] | None = None
    """Returns the commands by process name. None: those of the Procfile."""

    patience: float | None = 60.0
    """Seconds to wait until the processes are ready. None: do not wait."""

    grace: float = reaper.GRACE
    """Seconds between SIGTERM and SIGKILL at the end."""

    on_line: Callable[[str, str], None] | None = None
    """Called with the process's name and each line. None: the lines go to `log`."""

    project: Project = field(init=False)
    processes: Processes = field(init=False)
    started: dict[str, Service] = field(init=False, default_factory=dict)
    log: list[tuple[str, str]] = field(init=False, default_factory=list)
    """(process, line) in the order of arrival, if `on_line` is None."""

    def __post_init__(self) -> None:
        self._exits = contextlib.ExitStack()
        note = self.on_line or (lambda name, line: self.log.append((name, line)))
        self.processes = Processes(note)

    def __enter__(self) -> "Stack":
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything that `start` has started, even if `start` failed."""
        self._exits.close()

    def start(self) -> None:
        """Start everything, as a `with` statement does.

        The caller has to call `close` afterwards.
        """
        if self.root is None:
            self.root = Path(tempfile.mkdtemp(prefix="tutorial-")).resolve()
            self._exits.callback(shutil.rmtree, self.root, ignore_errors=True)
        self._exits.enter_context(self.processes)
        place = self.folder
        if self.copy:
            place = self.root / "project"
            place.mkdir(parents=True)
            self.copy(self.folder, place)
        self.project = Project(place, self.port or free_port(), original=self.folder)
        for name in self.without:
            self.project.environment.pop(name, None)
        self._start_services()
        self.project.environment |= self.environment
        self.prepare(self.project)
        # The project ends before its services, because it may use them while it ends.
        self._exits.callback(self._stop_project)
        self.project.start(self.processes, self.commands_of(self.project))
        if self.patience is not None:
            self.project.wait_until_ready(self.patience)

    def commands_of(self, project: Project) -> dict[str, str]:
        """Return the command that starts each process, by process name."""
        if self.commands:
            commands = self.commands(project)
        else:
            commands = procfile.processes(project.folder)
        if self.reloads:
            return dict(commands)
        return {name: _hasten(command) for name, command in commands.items()}

    def restart(self, name: str) -> None:
        """Start the project's process `name` again, after this process has ended."""
        command = self.commands_of(self.project)[name]
        self.project.start(self.processes, {name: command})

    def _start_services(self) -> None:
        services = own_services(self.root) if self.services is None else self.services
        for name, launch in services.items():
            self.started[name] = launch(self.processes)
        for service in self.started.values():
            service.wait()
            self.project.environment |= service.variables

    def _stop_project(self) -> None:
        self.processes.stop(self.project.running.values(), grace=self.grace)

    def service(self, name: str) -> Process:
        """Return the process of a service that this stack has started.

        Raises Problem if it has not started this service.
        """
        service = self.started.get(name)
        if service is None or service.process is None:
            raise Problem(f"The project was started without {name}.")
        return service.process

    @property
    def redis_url(self) -> str:
        """The address of the project's Redis; "" if it has none."""
        return self.project.environment.get("REDIS_URL", "")

    @property
    def openai_url(self) -> str:
        """The address of the API that the project calls; "" for the real API."""
        return self.project.environment.get("OPENAI_BASE_URL", "")


def _hasten(command: str) -> str:
    """Change the command so that it skips work that is useless in a copy.

    A worker then skips its search for other workers, which would take a second.
    Django's server does not watch files, and so does not need a second process.
    """
    if re.search(r"[;&|<>#\n]", command):
        return command
    if procfile.role("", command) == "worker" and "mingle" not in command:
        return f"{command} --without-mingle"
    if re.search(r"\brunserver\b", command) and "--noreload" not in command:
        return f"{command} --noreload"
    return command
