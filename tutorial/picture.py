"""Draws the flow as an SVG: seven stations inside the processes that they live in."""

from html import escape
from itertools import pairwise

from tutorial.steps import Step, steps

LANES = ("browser", "web", "Redis", "worker")
LANE = 176  # px: the width of a lane
GAP = 28  # px between lanes
TOP, BOTTOM = 100, 214  # px: where the stations of the way there and back stand
WIDTH = len(LANES) * LANE + (len(LANES) - 1) * GAP + 2
HEIGHT = 268

STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1b2126; text-anchor: middle }
  .lane { fill: #ffffff; stroke: #d5d9dc }
  .lane-name { font-weight: 600; fill: #5b6670 }
  .station { fill: #0a6b5e }
  .number { font-weight: 600; fill: #ffffff }
  .way { fill: none; stroke: #5b6670; stroke-width: 1.5 }
  .head { fill: #5b6670 }
  .label { font: 12px ui-monospace, monospace; fill: #5b6670 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8ebed }
    .lane { fill: #1d2226; stroke: #363e45 }
    .lane-name, .label { fill: #9aa5ae }
    .station { fill: #4fd1b8 }
    .number { fill: #08201c }
    .way { stroke: #9aa5ae }
    .head { fill: #9aa5ae }
  }
"""


def draw() -> str:
    """The picture, in light and dark, as a text."""
    parts = [_lane(number, name) for number, name in enumerate(LANES)]
    parts += [_way(old, new) for old, new in pairwise(steps())]
    parts += [_station(step) for step in steps()]
    title = "The flow: " + ", ".join(
        f"{s.name} {s.stage} ({s.process})" for s in steps()
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            f' width="{WIDTH}" height="{HEIGHT}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" orient="auto"'
            ' markerWidth="8" markerHeight="8">'
            '<path class="head" d="M0 0 8 4 0 8z"/></marker>',
            *parts,
            "</svg>\n",
        ]
    )


def _place(step: Step) -> tuple[int, int]:
    """Where a station stands: the way there is above, the way back below."""
    lane = LANES.index(step.process)
    return 1 + lane * (LANE + GAP) + LANE // 2, TOP if step.number <= 4 else BOTTOM


def _lane(number: int, name: str) -> str:
    left = 1 + number * (LANE + GAP)
    middle = left + LANE // 2
    return (
        f'<rect class="lane" x="{left}" y="1" rx="10"'
        f' width="{LANE}" height="{HEIGHT - 2}"/>'
        f'<text class="lane-name" x="{middle}" y="28">{escape(name)}</text>'
    )


def _station(step: Step) -> str:
    x, y = _place(step)
    return (
        f'<circle class="station" cx="{x}" cy="{y}" r="15"/>'
        f'<text class="number" x="{x}" y="{y + 5}">{step.name}</text>'
        f'<text x="{x}" y="{y + 35}">{escape(step.stage)}</text>'
    )


def _way(old: Step, new: Step) -> str:
    (x1, y1), (x2, y2) = _place(old), _place(new)
    if x1 == x2:
        start, end = (x1, y1 + 46), (x2, y2 - 20)
        x, y = x1 + 36, (y1 + y2) // 2 + 17
    else:
        side = 1 if x2 > x1 else -1
        start, end = (x1 + 20 * side, y1), (x2 - 20 * side, y2)
        x, y = (x1 + x2) // 2, y1 - 10
    return (
        f'<path class="way" marker-end="url(#head)"'
        f' d="M{start[0]} {start[1]} L{end[0]} {end[1]}"/>'
        f'<text class="label" x="{x}" y="{y}">{escape(old.hands_on)}</text>'
    )
