"""`tutorial pictures` (maintainers): what the site shows of the running steps, anew.

The flow's drawing, the pictures of the pages, and what one search leaves in the log and
in the browser: each step is started once for all of them.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tutorial import picture, recording, scenes, services, shots, steps
from tutorial.browser import find_browser, launch
from tutorial.processes import Process, Processes
from tutorial.project import Project

FLOW = shots.IMAGES / "flow.svg"


@dataclass(frozen=True)
class Running:
    """A copy of a step that runs, with services of its own."""

    url: str
    log: list[tuple[str, str]]  # (process, line), as they came
    stand_in: Process


def take() -> None:
    """Draw the flow, record a search and take the shots of every step."""
    shots.IMAGES.mkdir(parents=True, exist_ok=True)
    FLOW.write_text(picture.draw())
    taken: dict[str, shots.Taken] = {}
    with launch(find_browser()) as browser:
        for step in steps.every():
            print(step.title, flush=True)
            with _running(step) as running:
                recording.record(step, browser.new_page(), running.url, running.log)
                taken |= scenes.photograph(step, browser, running.url, running.stand_in)
    shots.write(taken)


@contextlib.contextmanager
def _running(step: steps.Step) -> Iterator[Running]:
    log: list[tuple[str, str]] = []
    with (
        tempfile.TemporaryDirectory() as name,
        Processes(lambda process, line: log.append((process, line))) as processes,
    ):
        folder = Path(name)
        project = Project(folder / "project", services.free_port())
        steps.copy(step.folder, project.folder)
        _, url = services.start_redis(processes, folder, services.free_port())
        stand_in, variables = services.start_stand_in(
            processes, services.free_port(), "--latency", "0.3", "--pace", "0.005"
        )
        project.environment |= variables | {"REDIS_URL": url}
        project.migrate()
        project.start(processes)
        project.wait_until_ready()
        try:
            yield Running(project.url, log, stand_in)
        finally:
            processes.stop(project.running.values())
