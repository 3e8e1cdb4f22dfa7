"""Running projects for the tests: a copy of the folder, a Redis and a stand-in each."""

import dataclasses
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tutorial import services, steps
from tutorial.environment import ROOT
from tutorial.processes import Process, Processes
from tutorial.project import Project
from tutorial.specifications.site import Site


@dataclass
class Running:
    """A project that runs, and all that can be known of it from outside."""

    step: steps.Step
    site: Site
    project: Project
    processes: Processes
    log: list[tuple[str, str]]  # (process, line), as they came
    redis: Process
    redis_data: Path

    @property
    def port_of_redis(self) -> int:
        """The port of its Redis."""
        return int(self.site.redis_url.rpartition(":")[2].split("/")[0])


def start_running(
    step: steps.Step, folder: Path, processes: Processes, log: list
) -> Running:
    """Start the project in `folder` with services of its own: returns once it is up."""
    data = folder.parent / "redis"
    redis, redis_url = services.start_redis(processes, data, services.free_port())
    _, variables = services.start_stand_in(
        processes, services.free_port(), "--latency", "0.3", "--pace", "0.005"
    )
    project = Project(folder, services.free_port())
    project.environment |= variables | {"REDIS_URL": redis_url}
    project.migrate()
    project.start(processes)
    project.wait_until_ready(60)
    site = Site(project.url, redis_url, variables["OPENAI_BASE_URL"])
    return Running(step, site, project, processes, log, redis, data)


@pytest.fixture(scope="session")
def run_step(tmp_path_factory) -> Iterator[Callable[[str], Running]]:
    """A function that starts a copy of a step, by name; each once, until the end."""
    log_of: dict[str, list] = {}
    started: dict[str, Running] = {}

    def start(name: str) -> Running:
        if name not in started:
            # One project at a time: a small machine has better things to do.
            stop()
            step = steps.find(name)
            folder = tmp_path_factory.mktemp(f"step_{name}") / "project"
            copy(step.folder, folder)
            log = log_of.setdefault(name, [])
            processes = Processes(lambda process, line: log.append((process, line)))
            started[name] = start_running(step, folder, processes, log)
        return started[name]

    def stop() -> None:
        while started:
            _, running = started.popitem()
            running.processes.stop(running.project.running.values())
            running.processes.__exit__(None, None, None)

    yield start
    stop()


def copy(source: Path, target: Path) -> None:
    """Copy the files that belong to a project."""
    for name, path in steps.files(source).items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target / name)


@pytest.fixture
def with_browser(browser) -> Callable[[Site], Site]:
    """A function that gives a site a browser to be looked at with."""
    return lambda site: dataclasses.replace(site, browser=browser)


@pytest.fixture
def fresh_clone(tmp_path) -> Path:
    """The repository as someone gets it who has only now cloned it."""
    target = tmp_path / "clone"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    return target
