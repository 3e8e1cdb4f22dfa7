"""Starts the programs that are compared, each with its own services."""

import asyncio
import contextlib
import itertools
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from tutorial import observer
from tutorial.bench import api, floor
from tutorial.bench.client import Http, NoAnswer, fetch_json
from tutorial.bench.visitors import FinalVisitor, FloorVisitor, PageVisitor, Visitor
from tutorial.live_map.server import LiveMap
from tutorial.live_map.state import State
from tutorial.observer.events import Tail
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project import procfile, steps
from tutorial.runtime import services
from tutorial.runtime.exclusive import free_port, listens
from tutorial.runtime.processes import Process, Processes
from tutorial.runtime.project import Project
from tutorial.runtime.stack import Stack, own_services
from tutorial.runtime.waiting import wait_until

# Variables that your shell may set for other projects. They could select a different
# database, or make the project refuse the benchmark's visitors.
FOREIGN = """
    ALLOWED_HOSTS CELERY_BROKER_URL CSRF_TRUSTED_ORIGINS DATABASE_URL
    DEBUG DJANGO_SETTINGS_MODULE HTTPS_ONLY OPENAI_MODEL PYTHONPATH SECRET_KEY
    SITE_ORIGINS
""".split()

# With these variables, final/ runs as it does for real users, except for TLS.
PRODUCTION = {
    "DEBUG": "0",
    "HTTPS_ONLY": "0",
    "SECRET_KEY": "not a secret, because the benchmark runs only on 127.0.0.1",
    # One visitor of the benchmark asks more questions than a person could.
    "SEARCHES_PER_MINUTE": "1000000",
}

_numbers = itertools.count(1)

# A program that takes the place of an open page of the map: it reads the whole stream
# of events.
READ = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1]) as stream:
    while stream.readline():
        pass
"""


@dataclass(frozen=True)
class Kind:
    """A candidate that can be started.

    For the floor (see `floor`), `worker` is the name of its worker process. For a step,
    `worker` is the command that replaces the worker's command in the Procfile, or None
    to run the Procfile's own command. A step can have several `workers`. `variables`
    are extra environment variables for its processes. If `is_mapped` is set, a live map
    observes these processes, and one page of the map is open.
    """

    name: str
    visitor: type[Visitor]
    step: str | None = None
    worker: str | None = None
    workers: int = 1
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    is_mapped: bool = False


FLOOR = Kind("floor", FloorVisitor, worker="worker")
STREAMING_FLOOR = Kind("floor", FloorVisitor, worker="streaming-worker")
STEP_2 = Kind("step 2", PageVisitor, "2")
STEP_7 = Kind("step 7", PageVisitor, "7")
DEFAULT_POOL = Kind(
    "step 7, default pool", PageVisitor, "7", "celery --app config worker"
)
FINAL = Kind("final", FinalVisitor, "final")
# SQLite has no queue for writers. If the database is locked, a writer tries again, for
# five seconds by default. If a thousand visitors ask at once, some have to wait longer.
FINAL_IN_A_CROWD = replace(
    FINAL, variables={"DATABASE_URL": "sqlite:///db.sqlite3?timeout=20"}
)


@dataclass
class Candidate:
    """A running candidate."""

    kind: Kind
    url: str
    folder: Path
    environment: dict[str, str]
    # The processes by name. The names are "web", "worker", "worker 2" and so on.
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The candidate's name in the tables."""
        return self.kind.name

    async def visitor(self, *, with_socket: bool = True) -> Visitor:
        """Return a new visitor who has opened the page.

        Raises Problem if that fails.
        """
        visitor = self.kind.visitor(self.url, next(_numbers))
        with self.blamed():
            await visitor.open()
            if with_socket:
                await visitor.connect()
        return visitor

    async def visitors(self, count: int, *, with_socket: bool = True) -> list[Visitor]:
        """Return `count` new visitors, who open the page at most eight at a time.

        Raises Problem if a visitor cannot open it.
        """
        arriving = asyncio.Semaphore(8)

        async def come() -> Visitor:
            async with arriving:
                return await self.visitor(with_socket=with_socket)

        return await asyncio.gather(*(come() for _ in range(count)))

    @contextlib.contextmanager
    def blamed(self):
        """Turn NoAnswer into a Problem with the candidate's name and last log lines."""
        try:
            yield
        except (NoAnswer, OSError) as error:
            lines = [
                f"  {process.name}: {line}"
                for process in self.processes.values()
                for line in process.lines[-5:]
            ]
            words = f"{self.name} cannot be measured: {error}"
            raise Problem("\n".join([words, *lines])) from error

    def memory(self, role: str) -> int:
        """Return the memory of the "web" or "worker" processes, in bytes.

        The memory of their child processes is included. On Linux, memory that processes
        share is counted once (PSS).
        """
        total = 0
        for found in self._of(role):
            for process in (found, *found.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    memory = process.memory_full_info()
                    total += getattr(memory, "pss", memory.rss)
        return total

    def cpu(self, role: str) -> float:
        """Return the CPU time of the "web" or "worker" processes so far, in seconds."""
        times = [process.cpu_times() for process in self._of(role)]
        return sum(time.user + time.system for time in times)

    def _of(self, role: str) -> list[psutil.Process]:
        return [
            psutil.Process(process.group)
            for name, process in self.processes.items()
            if name.partition(" ")[0] == role
        ]


class Stage:
    """The API and the candidates of a section, for a `with` statement.

    When the `with` block ends, all of them are stopped.
    """

    def __init__(self) -> None:
        self._exits = contextlib.ExitStack()
        self._stacks: list[Stack] = []

    def __enter__(self) -> "Stage":
        folder = tempfile.mkdtemp(prefix="tutorial-bench-")
        self._exits.callback(shutil.rmtree, folder, ignore_errors=True)
        self._folder = Path(folder)
        self.processes = self._exits.enter_context(Processes(lambda name, line: None))
        try:
            port = free_port()
            self._api_url = f"http://127.0.0.1:{port}"
            process = self._start_ours("api", api.__name__, str(port))
            _wait_until_listening(process, port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._exits.close()

    def start(self, *kinds: Kind) -> list[Candidate]:
        """Start `kinds` at the same time, and return when all of them are ready.

        Raises Problem if one of them does not start.
        """
        with ThreadPoolExecutor(len(kinds)) as pool:
            try:
                return list(pool.map(self._start, kinds))
            except BaseException:
                # End the processes, so that no other thread waits for them any longer.
                for stack in self._stacks:
                    stack.processes.stop()
                self.processes.stop()
                raise

    async def pace(self, *, latency: float = 0.0, pause: float = 0.0) -> None:
        """Set how many seconds the API waits.

        `latency` is the time before an answer, and `pause` the time between its words.
        """
        await self._ask("POST", "/pace", {"latency": latency, "pause": pause})

    async def figures(self) -> dict:
        """Return the figures that the API has counted (see `api`)."""
        return await self._ask("GET", "/figures")

    async def _ask(self, method: str, path: str, data: object = None) -> dict:
        http = Http(self._api_url)
        try:
            return await fetch_json(http, method, path, data)
        finally:
            http.close()

    def _start_ours(
        self, name: str, *arguments: str, environment: Mapping[str, str] = os.environ
    ) -> Process:
        command = [sys.executable, "-m", *arguments]
        return self.processes.start(name, command, folder=ROOT, environment=environment)

    def _start(self, kind: Kind) -> Candidate:
        folder = self._folder / re.sub(r"\W+", "-", kind.name)
        folder.mkdir()
        variables = {
            "OPENAI_BASE_URL": f"{self._api_url}/v1",
            "OPENAI_API_KEY": "sk-the-benchmark-has-an-api-of-its-own",
        }
        if kind.step is None:
            return self._start_floor(kind, folder, variables)
        return self._start_project(kind, folder, variables)

    def _start_floor(
        self, kind: Kind, folder: Path, variables: dict[str, str]
    ) -> Candidate:
        redis = services.launch_redis(self.processes, folder / "redis")
        redis.wait()
        port = free_port()
        variables |= redis.variables
        variables |= {"PORT": str(port), "DATABASE": str(folder / "answers.sqlite3")}
        environment = os.environ | variables
        candidate = Candidate(kind, f"http://127.0.0.1:{port}", folder, environment)
        for role, name in (("web", "web"), ("worker", kind.worker)):
            candidate.processes[role] = self._start_ours(
                role, floor.__name__, name, environment=environment
            )
        _wait_until_listening(candidate.processes["web"], port)
        return candidate

    def _start_project(
        self, kind: Kind, folder: Path, variables: dict[str, str]
    ) -> Candidate:
        def prepare(project: Project) -> None:
            if kind.step == "final":
                project.environment |= PRODUCTION | {"SITE_ORIGINS": project.url}
                project.environment |= kind.variables
                _collect_static_files(project)
            project.migrate()

        def commands(project: Project) -> dict[str, str]:
            found = procfile.processes(project.folder)
            if kind.worker:
                found["worker"] = kind.worker
            for number in range(2, kind.workers + 1):
                own_name = f"--hostname worker-{number}@%h"
                found[f"worker {number}"] = f"{found['worker']} {own_name}"
            return found

        if kind.is_mapped:
            variables |= observer.variables(folder / "events", folder / "project")

        own = own_services(folder)
        stack = Stack(
            steps.find(kind.step).folder,
            root=folder,
            services={"redis": own["redis"]} if kind is not STEP_2 else {},
            environment=variables,
            without=FOREIGN,
            prepare=prepare,
            commands=commands,
            on_line=lambda name, line: None,
        )
        self._stacks.append(stack)
        try:
            self._exits.enter_context(stack)
        except TimeoutError as error:
            raise Problem(f"{kind.name} is not ready:\n{error}") from error
        project = stack.project
        if kind.is_mapped:
            self._watch(stack, steps.find(kind.step), folder / "events")
        return Candidate(
            kind,
            project.url,
            project.folder,
            project.environment,
            dict(project.running),
        )

    def _watch(self, stack: Stack, step: steps.Step, events: Path) -> None:
        """Serve a live map of the project, and open its stream as a page does."""
        state = State(stack, step, Tail(events))
        live = self._exits.enter_context(LiveMap(state, free_port()))
        reader = [sys.executable, "-c", READ, f"{live.url}/events"]
        self.processes.start("page", reader, folder=ROOT, environment=os.environ)


def _collect_static_files(project: Project) -> None:
    result = project.manage("collectstatic", "--no-input", "--verbosity", "0")
    if result.returncode:
        words = (result.stdout + result.stderr).strip().splitlines()[-3:]
        raise Problem("\n".join(["final/ cannot collect its static files:", *words]))


def _wait_until_listening(process: Process, port: int) -> None:
    otherwise = f"{process.name} does not answer"
    with contextlib.suppress(TimeoutError):
        wait_until(
            lambda: listens(port) or process.child.poll() is not None,
            seconds=15,
            otherwise=otherwise,
        )
        if process.child.returncode is None:
            return
    last_words = "\n".join(process.lines[-5:])
    raise Problem(f"{otherwise}: {last_words}")
