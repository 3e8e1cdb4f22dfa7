"""Runs a project with its own services, for a test."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from weakref import WeakSet

from tutorial.project import steps
from tutorial.runtime.processes import Process
from tutorial.runtime.project import Project
from tutorial.runtime.stack import Stack, own_services
from tutorial.visitor.site import Site


class Running:
    """A running project, with everything that can be seen from outside."""

    def __init__(self, step: steps.Step, stack: Stack) -> None:
        self.step = step
        self.stack = stack
        self.project = stack.project
        self.processes = stack.processes
        self.log = stack.log  # (process, line), in the order of arrival
        self.redis = stack.service("redis")  # a test may replace it
        self.redis_data = stack.root / "redis"
        self.site = Site(stack.project.url, stack.redis_url, stack.openai_url)
        alive.add(self)

    @property
    def stand_in(self) -> Process:
        """The process of the API's stand-in."""
        return self.stack.service("openai")

    @property
    def redis_port(self) -> int:
        """The port of the project's Redis."""
        return int(self.site.redis_url.rpartition(":")[2].partition("/")[0])

    def stop(self) -> None:
        """Stop the project, then its services."""
        alive.discard(self)
        self.stack.close()


# The running projects of a test. If the test fails, its report shows their logs.
alive: WeakSet[Running] = WeakSet()


def start_running(
    step: steps.Step,
    folder: Path,
    environment: Mapping[str, str] = MappingProxyType({}),
    stand_in_options: Sequence[str] = (),
) -> Running:
    """Start the project in `folder` itself, not in a copy, with its own services.

    Returns when the project is ready. `environment` contains more variables for its
    processes. `stand_in_options` are added to the options that make the API's stand-in
    quick.
    """
    stack = Stack(
        folder,
        root=folder.parent,
        copy=None,
        services=own_services(folder.parent, *stand_in_options),
        environment=environment,
        prepare=migrate_once,
        grace=0.2,  # seconds; no test of how a project stops uses this
    )
    return Running(step, stack.__enter__())


# The databases of migrated projects, by a digest of each project's Python files.
_migrated: dict[str, bytes] = {}


def migrate_once(project: Project) -> None:
    """Migrate the project's database, or copy the database of the same code."""
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
