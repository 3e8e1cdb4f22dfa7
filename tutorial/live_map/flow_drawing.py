"""Draws the flow as an SVG: seven stations in four lanes, one lane per process."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from tutorial.project.steps import Step, steps

LANES = ("browser", "web", "Redis", "worker")
HEAD = 9  # the length of an arrow's head, in px of the SVG


@dataclass(frozen=True)
class Layout:
    """The dimensions of a drawing, in px of the SVG."""

    lane: int  # the width of a lane
    gap: int  # the space between two lanes
    height: int
    there: int  # y of the upper row: the stations on the way to the worker
    back: int  # y of the lower row: the stations on the way back to the browser
    radius: int  # the radius of a station
    title: int  # from the centre of a station down to the base line of its name
    word: int  # from an arrow up to the base line of its label
    clear: int  # free space between an arrow and a station

    @property
    def width(self) -> int:
        """The width of the drawing, including 1 px for the border at each side."""
        return len(LANES) * self.lane + (len(LANES) - 1) * self.gap + 2

    def left(self, process: str) -> int:
        """Return the x coordinate of the left edge of a process's lane."""
        return 1 + LANES.index(process) * (self.lane + self.gap)

    def place(self, step: Step) -> tuple[int, int]:
        """Return the centre of a station.

        Stations 1 to 4 are in the upper row, and stations 5 to 7 in the lower one.
        """
        x = self.left(step.process) + self.lane // 2
        return x, self.there if step.number <= 4 else self.back


WIDE = Layout(
    lane=140,
    gap=76,  # room for the label of an arrow
    height=256,
    there=94,
    back=206,
    radius=15,
    title=35,
    word=10,
    clear=6,
)
NARROW = Layout(
    lane=78,
    gap=4,
    height=210,
    there=70,
    back=170,
    radius=13,
    title=29,
    word=18,
    clear=6,
)

STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1b2126; text-anchor: middle }
  .lane rect { fill: #ffffff; stroke: #d5d9dc }
  .lane text { font-weight: 600; fill: #5b6670 }
  .disc { fill: #0a6b5e }
  .number { font-weight: 600; fill: #ffffff }
  .line { fill: none; stroke: #5b6670; stroke-width: 1.5 }
  .head { fill: #5b6670 }
  .way text { font: 12px ui-monospace, monospace; fill: #5b6670 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8ebed }
    .lane rect { fill: #1d2226; stroke: #363e45 }
    .lane text, .way text { fill: #9aa5ae }
    .disc { fill: #4fd1b8 }
    .number { fill: #08201c }
    .line { stroke: #9aa5ae }
    .head { fill: #9aa5ae }
  }
"""


def draw() -> str:
    """Return the SVG for the README, with the colours of a light and a dark theme."""
    box = f"0 0 {WIDE.width} {WIDE.height}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"'
            f' width="{WIDE.width}" height="{WIDE.height}" role="img">',
            f"<title>{escape(words())}</title>",
            f"<style>{STYLE}</style>",
            *shapes(WIDE),
            "</svg>\n",
        ]
    )


def words() -> str:
    """Return the picture's text alternative."""
    return "The flow: " + ", ".join(
        f"{s.name} {s.stage} ({s.process})" for s in steps()
    )


def shapes(
    layout: Layout,
    lit: int | None = None,
    address: Callable[[Step], str] | None = None,
) -> list[str]:
    """Return the elements of the picture: lanes, arrows and stations.

    `lit` is the current stage. The stages before it are drawn as done, and the stages
    after it as not yet reached. If `lit` is None, all stages are lit. If the function
    `address` is given, each station links to the address that this function returns.
    """
    here = next((step.process for step in steps() if step.number == lit), None)
    return [
        *(_lane(layout, name, name == here) for name in LANES),
        *(_way(layout, *pair, _state(pair[1], lit)) for pair in pairwise(steps())),
        *(_station(layout, step, lit, address) for step in steps()),
    ]


def _state(step: Step, lit: int | None) -> str:
    if lit is None or step.number == lit:
        return "is-lit"
    return "is-done" if step.number < lit else "is-ahead"


def _lane(layout: Layout, name: str, is_here: bool) -> str:
    left = layout.left(name)
    return (
        f'<g class="lane{" is-here" * is_here}" data-process="{name}"'
        ' aria-hidden="true">'
        f'<rect x="{left}" y="1" rx="10" width="{layout.lane}"'
        f' height="{layout.height - 2}"/>'
        f'<text x="{left + layout.lane // 2}" y="28">{escape(name)}</text></g>'
    )


def _station(
    layout: Layout, step: Step, lit: int | None, address: Callable[[Step], str] | None
) -> str:
    state = _state(step, lit)
    x, y = layout.place(step)
    disc = f'<circle class="disc" cx="{x}" cy="{y}" r="{layout.radius}"/>'
    below = y + layout.title
    names = (
        f'<text class="number" x="{x}" y="{y + 5}">{step.name}</text>'
        f'<text class="title" x="{x}" y="{below}">{escape(step.stage)}</text>'
    )
    if address is None:
        return f'<g class="station {state}">{disc}{names}</g>'
    above = layout.radius + layout.clear
    field = (
        f'<rect class="field" x="{x - layout.lane // 2 + 2}" y="{y - above}" rx="8"'
        f' width="{layout.lane - 4}" height="{above + layout.title + 8}"/>'
    )
    halo = f'<circle class="halo" cx="{x}" cy="{y}" r="{layout.radius + 4}"/>'
    current = ' aria-current="step"' * (step.number == lit)
    return (
        f'<a class="station {state}" data-stage="{step.name}"'
        f' data-process="{step.process}" href="{escape(address(step))}"{current}'
        f' aria-label="{step.name} {escape(step.stage)}, in: {step.process}">'
        f"{field}{halo}{disc}{names}</a>"
    )


def _way(layout: Layout, old: Step, new: Step, state: str) -> str:
    (x1, y1), (x2, y2) = layout.place(old), layout.place(new)
    keep = layout.radius + layout.clear
    if x1 == x2:
        # Leave a gap in the line for the label.
        start, end = y1 + layout.title + 8, y2 - keep
        word = (x1, start + 21)
        line = f"M{x1} {start}v8M{x1} {start + 26}V{end - HEAD}"
        head = f"M{x1} {end}l-4.5 -{HEAD}h9z"
    else:
        side = 1 if x2 > x1 else -1
        start, end = x1 + keep * side, x2 - keep * side
        word = ((x1 + x2) // 2, y1 - layout.word)
        line = f"M{start} {y1}H{end - HEAD * side}"
        head = f"M{end} {y1}l{-HEAD * side} -4.5v9z"
    return (
        f'<g class="way {state}" data-stage="{new.name}" aria-hidden="true">'
        f'<path class="line" d="{line}"/><path class="head" d="{head}"/>'
        f'<text x="{word[0]}" y="{word[1]}">{escape(old.hands_on)}</text></g>'
    )
