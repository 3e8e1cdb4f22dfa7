"""Builds the map's page as HTML: the live page, or a recording in one file."""

import base64
import hashlib
import json
import re
from html import escape
from importlib.resources import files
from typing import Any

from tutorial.live_map import flow_drawing
from tutorial.live_map.flow_drawing import NARROW, WIDE
from tutorial.project.steps import Step, steps

PAGE = files("tutorial.live_map") / "page"
# The page's modules, in the order in which a recording joins them: each module imports
# only from modules before it.
SCRIPTS = ("time.js", "shapes.js", "story.js", "picture.js", "panels.js", "map.js")


def document(step: Step) -> str:
    """Return the HTML of the live page."""
    head = (
        '<link rel="stylesheet" href="/map.css">'
        '<script type="module" src="/map.js"></script>'
    )
    return _page(step, head, "")


def recording(step: Step, state: dict[str, Any]) -> str:
    """Return one HTML file that contains the state, and opens without a server."""
    script, style = _script(), (PAGE / "map.css").read_text()
    # Escape "<", so that no text in the data can end the script element.
    data = json.dumps(state).replace("<", "\\u003c")
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}';"
        f" style-src '{_digest(style)}'; img-src data:"
    )
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<style>{style}</style>"
    )
    tail = (
        f'<script type="application/json" id="recording">{data}</script>'
        f'<script type="module">{script}</script>'
    )
    return _page(step, head, tail)


def _script() -> str:
    """Join the page's modules into one script: a page from disk cannot import them."""
    texts = [(PAGE / name).read_text() for name in SCRIPTS]
    text = re.sub(r"^import\b[^;]*;\n", "", "".join(texts), flags=re.M)
    return re.sub(r"^export ", "", text, flags=re.M)


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def name_of(step: Step) -> str:
    """Return the step's title or, for a learner's own folder, only the folder's name.

    The path may contain a person's name.
    """
    return step.folder.name if step.is_own else step.title


def _page(step: Step, head: str, tail: str) -> str:
    text = (PAGE / "map.html").read_text()
    for name, value in {
        "title": escape(name_of(step)),
        "head": head,
        "tail": tail,
        "step": str(step.number),
        "wide": _svg(step, WIDE, "wide"),
        "narrow": _svg(step, NARROW, "narrow"),
        "stations": _stations(),
    }.items():
        text = text.replace(f"{{{{ {name} }}}}", value)
    return text


def _svg(step: Step, layout: flow_drawing.Layout, name: str) -> str:
    """Return the picture of the flow, with an empty group for the searches' tokens."""
    lit = step.number if 1 <= step.number < len(steps()) else None
    shapes = flow_drawing.shapes(layout, lit, lambda one: f"#station-{one.name}")
    places = " ".join(",".join(map(str, layout.place(one))) for one in steps())
    return "\n".join(
        [
            f'<svg class="flow-{name}" viewBox="0 0 {layout.width} {layout.height}"'
            f' role="group" translate="no" aria-label="{escape(flow_drawing.words())}"'
            f' data-places="{places}">',
            *shapes,
            '<g class="tokens" aria-hidden="true"></g>',
            "</svg>",
        ]
    )


def _stations() -> str:
    """Return one section per station, with an empty list for the hops of a search."""
    return "\n".join(
        f'<section class="station" id="station-{one.name}" data-stage="{one.name}"'
        f' aria-labelledby="name-{one.name}">'
        f'<h3 id="name-{one.name}"><span class="number">{one.name}</span>'
        f" {escape(one.stage)} <small>in: {escape(one.process)}</small></h3>"
        '<ol class="hops"></ol></section>'
        for one in steps()
    )
