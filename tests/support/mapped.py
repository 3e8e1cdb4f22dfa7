"""Runs a project, and serves its live map from the test's own process."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from support.running import migrate_once
from tutorial import observer
from tutorial.check.start import with_port
from tutorial.live_map.server import LiveMap
from tutorial.live_map.state import State
from tutorial.observer.events import Tail
from tutorial.project import procfile
from tutorial.project.files import copy_project
from tutorial.project.steps import Step
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.project import Project
from tutorial.runtime.stack import Stack, own_services
from tutorial.runtime.waiting import wait_until
from tutorial.visitor.site import Site
from tutorial.visitor.visitor import Visitor


class Mapped:
    """A running project, and its map."""

    def __init__(self, stack: Stack, live: LiveMap) -> None:
        self.stack = stack
        self.live = live

    @property
    def site(self) -> Site:
        """The project's addresses."""
        stack = self.stack
        return Site(stack.project.url, stack.redis_url, stack.openai_url)

    def ask(self, question: str) -> None:
        """Ask a question as a visitor without a WebSocket."""
        visitor = Visitor(self.site, "/", 12)
        visitor.ask(question, None, visitor.get())

    def searches(self) -> list[dict[str, Any]]:
        """Return the searches as the map's page gets them, oldest first."""
        everything = self.live.everything()
        assert not everything["problem"], everything["problem"]
        return everything["searches"]

    def wait_for(
        self, *states: str, number: int = 1, seconds: float = 20
    ) -> dict[str, Any]:
        """Wait until the search with this number is in one of the states. Return it."""

        def found() -> dict[str, Any] | None:
            searches = {one["number"]: one for one in self.searches()}
            search = searches.get(number)
            return search if search and search["state"] in states else None

        return wait_until(
            found, seconds=seconds, otherwise=lambda: f"seen: {self.searches()}"
        )


@contextlib.contextmanager
def mapped(
    step: Step,
    *,
    prepare: Callable[[Project], object] = migrate_once,
    copy: Callable[[Path, Path], object] = copy_project,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Mapped]:
    """Run a copy of the step, and its map, during the `with` block."""
    root = Path(tempfile.mkdtemp(prefix="tutorial-mapped-")).resolve()
    events = root / "events"

    def commands(project: Project) -> dict[str, str]:
        found = observer.commands_in_front(project)
        for name, command in found.items():
            if procfile.role(name, command) == "web":
                found[name] = with_port(command, project.port)
        return found

    with contextlib.ExitStack() as exits:
        temporary = exits.enter_context(tempfile.TemporaryDirectory(dir=root.parent))
        stack = Stack(
            step.folder,
            root=Path(temporary) / "run",
            copy=copy,
            services=own_services(root),
            environment={
                **observer.variables(events, Path(temporary) / "run" / "project"),
                **environment,
            },
            prepare=prepare,
            commands=commands,
            grace=0.2,
        )
        state = State(stack, step, Tail(events))
        live = exits.enter_context(LiveMap(state, free_port()))
        exits.enter_context(stack)
        yield Mapped(stack, live)
