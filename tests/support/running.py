"""A project that runs, with services of its own, for as long as a test wants it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from weakref import WeakSet

from tutorial import services, steps
from tutorial.processes import Process, Processes
from tutorial.project import Project
from tutorial.specifications.site import Site


@dataclass(eq=False)
class Running:
    """A project that runs, and all that can be known of it from outside."""

    step: steps.Step
    site: Site
    project: Project
    processes: Processes
    log: list[tuple[str, str]]  # (process, line), as they came
    redis: Process
    redis_data: Path
    stand_in: Process

    @property
    def redis_port(self) -> int:
        """The port of its Redis."""
        return int(self.site.redis_url.rpartition(":")[2].partition("/")[0])

    def stop(self) -> None:
        """End it, and then its services."""
        alive.discard(self)
        self.processes.stop(self.project.running.values())
        self.processes.__exit__(None, None, None)


# What a test that fails may have to do with: the report shows their logs.
alive: WeakSet[Running] = WeakSet()


def start_running(
    step: steps.Step,
    folder: Path,
    environment: Mapping[str, str] = MappingProxyType({}),
    stand_in_options: Sequence[str] = (),
) -> Running:
    """Start the project in `folder` with services of its own: returns once it is up.

    `environment` is what its processes get on top, `stand_in_options` what the stand-in
    gets beside those of a quick one.
    """
    log: list[tuple[str, str]] = []
    processes = Processes(lambda process, line: log.append((process, line)))
    try:
        data = folder.parent / "redis"
        redis, redis_url = services.start_redis(processes, data, services.free_port())
        options = ("--latency", "0.3", "--pace", "0.005", *stand_in_options)
        stand_in, variables = services.start_stand_in(
            processes, services.free_port(), *options
        )
        project = Project(folder, services.free_port())
        project.environment |= variables | {"REDIS_URL": redis_url, **environment}
        # Django's server is then its own reloader's child, and starts once, not twice.
        project.environment["RUN_MAIN"] = "true"
        _migrate(project)
        project.start(processes)
        project.wait_until_ready(60)
    except BaseException:
        processes.__exit__(None, None, None)
        raise
    site = Site(project.url, redis_url, variables["OPENAI_BASE_URL"])
    running = Running(step, site, project, processes, log, redis, data, stand_in)
    alive.add(running)
    return running


# The databases of projects that were migrated before, by what the projects are.
_migrated: dict[str, bytes] = {}


def _migrate(project: Project) -> None:
    """Migrate the project's database, or give it the one of its like."""
    database = project.folder / "db.sqlite3"
    if database.exists() or "DATABASE_URL" in project.environment:
        project.migrate()
        return
    code = hashlib.sha256()
    for path in sorted(project.folder.rglob("*.py")):
        code.update(path.relative_to(project.folder).as_posix().encode())
        code.update(path.read_bytes())
    key = code.hexdigest()
    if key in _migrated:
        database.write_bytes(_migrated[key])
    else:
        project.migrate()
        _migrated[key] = database.read_bytes()
