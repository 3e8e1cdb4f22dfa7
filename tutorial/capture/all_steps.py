"""Makes every file that the site shows of the running steps (`tutorial pictures`).

It starts each step once, takes its screenshots, and records what one search leaves in
the log and in the browser. It also draws the picture of the flow.
"""

from tutorial.capture import flow_drawing, recording, screenshot_scenes, screenshots
from tutorial.project import steps
from tutorial.runtime.browser import find_browser, launch
from tutorial.runtime.stack import Stack

FLOW = screenshots.IMAGES / "flow.svg"


def capture() -> None:
    """Draw the flow, then record a search and take the screenshots of every step."""
    screenshots.IMAGES.mkdir(parents=True, exist_ok=True)
    FLOW.write_text(flow_drawing.draw())
    taken: dict[str, screenshots.Taken] = {}
    with launch(find_browser()) as browser:
        for step in steps.every():
            print(step.title, flush=True)
            with Stack(step.folder) as stack:
                url, stand_in = stack.project.url, stack.service("openai")
                recording.record(step, browser.new_page(), url, stack.log)
                taken |= screenshot_scenes.photograph(step, browser, url, stand_in)
    screenshots.write(taken)
