"""The `travel` fence: shows how a recorded search moves through the flow's picture."""

import json
from collections.abc import Callable
from html import escape

from tutorial.capture.records import RECORDED, journey_name
from tutorial.capture.screenshots import REMEDY
from tutorial.live_map import flow_drawing
from tutorial.live_map.flow_drawing import NARROW, WIDE, Layout
from tutorial.problem import Problem
from tutorial.project.steps import Step, find, steps
from tutorial.site import fences
from tutorial.site.flow import relative, source

CAPTION = (
    "A recorded search in step {}. See your own: "
    "<code>python3 -m tutorial run ../my-search --map</code>"
)


def render(page: str, step: str, body: str) -> list[str]:
    """Return the picture and the list of the hops as HTML, for the page at `page`.

    The list contains all the information, also without JavaScript. Raises Problem if no
    search of the step was recorded.
    """
    asked = fences.fields("travel", body, ("step",))
    own = find(str(asked.get("step", step)))
    path = RECORDED / journey_name(own.name)
    if not path.exists():
        raise Problem(f"no search of step {own.name} has been recorded: {REMEDY}")
    journey = json.loads(path.read_text())
    lit = own.number if own.number < len(steps()) else None

    def address(to: Step) -> str:
        return relative(page, source(to))

    # The page of a step already has a picture with links at its top.
    links = None if step else address
    lit_data = f' data-lit="{lit}"' if lit else ""
    return [
        f'<figure class="flow travel"{lit_data} data-search-exclude>',
        *_picture("wide", WIDE, lit, links),
        *_picture("narrow", NARROW, lit, links),
        '<div class="travel__buttons" hidden>',
        '<button type="button" data-action="back">Back</button>',
        '<button type="button" data-action="play">Play</button>',
        '<button type="button" data-action="forward">Forward</button>',
        "</div>",
        '<ol class="travel__hops" tabindex="0" aria-label="The hops of the search">',
        *(_hop(hop, journey) for hop in journey["hops"]),
        *_end(journey),
        "</ol>",
        f"<figcaption>{CAPTION.format(own.name)}</figcaption>",
        "</figure>",
    ]


def _picture(
    name: str, layout: Layout, lit: int | None, address: Callable[[Step], str] | None
) -> list[str]:
    places = " ".join(",".join(map(str, layout.place(one))) for one in steps())
    return [
        f'<svg class="flow-{name}" viewBox="0 0 {layout.width} {layout.height}"'
        f' role="group" translate="no" aria-label="{escape(flow_drawing.words())}"'
        f' data-places="{places}">',
        *flow_drawing.shapes(layout, lit, address),
        f'<circle class="travel__token" r="{layout.radius // 2}" cx="0" cy="0"'
        ' aria-hidden="true" visibility="hidden"/>',
        "</svg>",
    ]


def _hop(hop: dict, journey: dict) -> str:
    stage = steps()[hop["stage"] - 1]
    when = f"{hop['time'] * 1000:.0f}\N{NO-BREAK SPACE}ms"
    return (
        f'<li data-stage="{stage.name}"><span class="travel__where">{stage.name}'
        f" {escape(stage.stage)}</span> {escape(hop['text'])}"
        f" <small>{when}</small></li>"
    )


def _end(journey: dict) -> list[str]:
    """Return the last item: where the search is stuck, or that the answer is shown."""
    if halt := journey["halt"]:
        return [f'<li class="travel__end">{escape(halt["text"])}</li>']
    last = steps()[-1]
    text = "The page shows the answer."
    return [
        f'<li data-stage="{last.name}"><span class="travel__where">{last.name}'
        f" {escape(last.stage)}</span> {text}</li>"
    ]
