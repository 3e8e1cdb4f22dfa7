"""`tutorial pictures`: makes all the recordings of running steps for the site.

It starts each step once, with a live map, takes its screenshots, and records what one
search leaves in the log, in the browser and on the map. It also draws the picture
of the flow.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tutorial import observer
from tutorial.capture import journeys, recording, screenshot_scenes, screenshots
from tutorial.live_map import flow_drawing
from tutorial.live_map.server import LiveMap
from tutorial.live_map.state import State
from tutorial.observer.events import Tail
from tutorial.project import steps
from tutorial.runtime.browser import find_browser, launch
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.stack import Stack

FLOW = screenshots.IMAGES / "flow.svg"


def capture() -> None:
    """Draw the flow. Then, for every step, record a search and take the screenshots."""
    screenshots.IMAGES.mkdir(parents=True, exist_ok=True)
    FLOW.write_text(flow_drawing.draw())
    taken: dict[str, screenshots.Taken] = {}
    with launch(find_browser()) as browser:
        for step in steps.every():
            print(step.title, flush=True)
            with _mapped(step) as (stack, live):
                url, stand_in = stack.project.url, stack.service("openai")
                recording.record(step, browser.new_page(), url, stack.log)
                if step.number <= len(steps.steps()):
                    journeys.record(step, live)
                taken |= screenshot_scenes.photograph(step, browser, url, stand_in)
    screenshots.write(taken)


@contextlib.contextmanager
def _mapped(step: steps.Step) -> Iterator[tuple[Stack, LiveMap]]:
    """Run the step together with a live map. Yields the stack and the map."""
    with tempfile.TemporaryDirectory(prefix="tutorial-pictures-") as folder:
        root = Path(folder).resolve()
        events = root / "events"
        stack = Stack(
            step.folder,
            root=root / "run",
            environment=observer.variables(events, root / "run" / "project"),
            commands=observer.commands_in_front,
        )
        state = State(stack, step, Tail(events))
        with LiveMap(state, free_port()) as live, stack:
            yield stack, live
