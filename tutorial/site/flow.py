"""The `flow` fence: the picture of the flow, with the stage of the page highlighted."""

from html import escape

from mkdocs.structure.files import File
from mkdocs.utils import get_relative_url

from tutorial.live_map import flow_drawing
from tutorial.live_map.flow_drawing import NARROW, WIDE, Layout
from tutorial.problem import Problem
from tutorial.project.steps import Step, find, steps
from tutorial.site import fences

CAPTION = "Highlighted: what this step adds. Dashed: what later steps add."
LAST_CAPTION = "Highlighted: what this step adds. Nothing is missing any more."


def flow(page: str, step: str, body: str) -> list[str]:
    """Return the picture as HTML.

    `page` is the path of the page in `docs/`. `step` is the name of the step that the
    page is about, or "". If the fence has a field `step`, that step is used instead.

    The stations are links to the pages of their steps. If the fence has the field
    `stages: here`, they are links to headings of this page, such as "Stage 3: the
    queue". Raises Problem if the step does not exist.
    """
    asked = fences.fields("flow", body, ("step", "stages"))
    where = asked.get("stages")
    if where not in (None, "here"):
        raise Problem(
            f'a flow fence may have the field "stages: here", but not "stages: {where}"'
        )
    name = str(asked.get("step", step))
    number = find(name).number if name else None
    lit = number if number in {s.number for s in steps()} else None

    def address(to: Step) -> str:
        return f"#{anchor(to)}" if where else relative(page, source(to))

    says = flow_drawing.words() + _news(lit)
    kind = "flow flow-of-stages" if where else "flow"
    lines = [f'<figure class="{kind}"{_data(lit)} data-search-exclude>']
    for size, layout in (("wide", WIDE), ("narrow", NARROW)):
        lines += [
            f'<svg class="flow-{size}" viewBox="{_box(layout)}" role="group"'
            f' translate="no" aria-label="{escape(says)}">',
            *flow_drawing.shapes(layout, lit, address),
            "</svg>",
        ]
    if lit:
        caption = LAST_CAPTION if lit == len(steps()) else CAPTION
        lines.append(f"<figcaption>{caption}</figcaption>")
    return [*lines, "</figure>"]


def source(step: Step) -> str:
    """Return the path of a step's page in `docs/`."""
    return f"steps/{step.name}-{step.stage}.md"


def anchor(step: Step) -> str:
    """Return the anchor of a step's heading on the page about the flow."""
    return f"stage-{step.name}-the-{step.stage}"


def relative(page: str, target: str) -> str:
    """Return the address of the page `target`, relative to the page `page`.

    Both are paths in `docs/`. MkDocs makes links in Markdown relative, but it does not
    change links in HTML.
    """
    return get_relative_url(_address(target), _address(page))


def _address(page: str) -> str:
    return File(page, "", "", use_directory_urls=True).url


def _box(layout: Layout) -> str:
    return f"0 0 {layout.width} {layout.height}"


def _data(lit: int | None) -> str:
    return f' data-lit="{lit}"' if lit else ""


def _news(lit: int | None) -> str:
    """Return the end of the text alternative: what is new, and what is missing."""
    if not lit:
        return "."
    step = steps()[lit - 1]
    ahead = [f"{s.name} {s.stage}" for s in steps()[lit:]]
    missing = ", ".join(ahead) or "nothing"
    return f". This step adds {step.name} {step.stage}. Still to come: {missing}."
