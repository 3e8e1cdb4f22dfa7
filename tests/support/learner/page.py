"""What a page asks of who follows it: listings, console blocks, and hands.

Hands are comments on a line of their own. They say what the learner does and sees where
no fence can: in the browser, and in the terminal of a program that runs.

    <!-- open -->                     load http://127.0.0.1:8000
    <!-- ask: What is a broker? -->   type it into the form and send it
    <!-- reload -->                   load the page anew
    <!-- sees: Search has -->         wait until the page shows this text
    <!-- sees not: Offline -->        it does not show this text now
    <!-- badge: Live -->              wait until the badge starts with this
    <!-- status: 405 -->              the HTTP status of the last page
    <!-- console: stage 1 -->         a line of the browser's console since the last ask
    <!-- frame: "task_id" -->         a frame that has come by the WebSocket, likewise
    <!-- terminal: stage 4 -->        a line of the program that runs, likewise
    <!-- terminal not: stage 5 -->    no such line when the next of the above holds
    <!-- Ctrl-C -->                   end the program that runs
    <!-- my-search: 5 -->             have ../my-search anew, as step 5 leaves it
    <!-- my-search: 5 no_await -->    the same, with a mistake of tests/faults/ in it
    <!-- run -->                      have it run, in a terminal that no page shows
    <!-- not run: why -->             the console block below cannot run in a test
    <!-- fails: why -->               a command in it fails, and prints no line about it

A `…` stands for any characters. Comments that start with another capital letter are
for authors.

The page of a step finds ../my-search as the step before leaves it, unless it makes the
folder itself. On other pages there is none until a command, or a hand, makes it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from sybil import Document, Example, Region

from tutorial.problem import Problem
from tutorial.site import fences
from tutorial.site.extension import FRONT_MATTER

# What a hand wants behind its colon.
HANDS = {
    **dict.fromkeys(("open", "reload", "Ctrl-C", "run"), False),
    **dict.fromkeys(("ask", "sees", "sees not", "badge", "status"), True),
    **dict.fromkeys(("console", "frame", "terminal", "terminal not"), True),
    **dict.fromkeys(("my-search", "not run", "fails"), True),
}
COMMENT = re.compile(r" *<!-- (?P<name>[^:\n]*?)(?:: (?P<argument>.*))? -->")

# What our fences ask for.
LISTING, COMMANDS = "listing", "commands"
FENCES = {"step": LISTING, "console": COMMANDS}

# What says something about the console block below.
ABOVE = ("not run", "fails")

# What waits for something, and so can be the moment at which something else is not.
POSITIVE = ("sees", "badge", "status", "console", "frame", "terminal")


@dataclass(frozen=True)
class Action:
    """Something to do: a fence, or a hand."""

    name: str  # LISTING, COMMANDS, or that of a hand
    argument: str = ""  # the body of a fence, or what stands behind a hand's colon
    fails: bool = False  # whether the page says so of a fence


class Page:
    """A page of the site, as a learner sees it who has it open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text()
        front = FRONT_MATTER.match(self.text)
        self.meta = (yaml.safe_load(front[1]) if front else None) or {}

    @property
    def step(self) -> str:
        """The step that it is about; "" for none."""
        return str(self.meta.get("step", ""))

    def lines_of(self, kind: str) -> list[str]:
        """What stands in its fences of a kind that is not ours, such as "sh"."""
        lines = self.text.split("\n")
        found = (f for f in fences.scan(lines) if f.info.split(" ")[0] == kind)
        return [line for fence in found for line in fence.body(lines).split("\n")]

    def fences(self) -> list[str]:
        """What its fences say they hold, those aside that show others as text."""
        lines = self.text.split("\n")
        return [f.info for f in fences.scan(lines) if len(f.marks) == 3]

    def actions(self) -> list[Action]:
        """All that is to do. Raises SybilFailure, with the line, where it cannot be."""
        found: list[Action] = []
        self.go_down(found.append)
        return found

    def go_down(self, do: Callable[[Action], object]) -> None:
        """Do one action after the other.

        Raises SybilFailure, with the page and the line, where one fails.
        """

        def evaluate(example: Example) -> str:
            if isinstance(example.parsed, str):
                return example.parsed
            try:
                do(example.parsed)
            except (Problem, AssertionError, TimeoutError) as error:
                return str(error)
            return ""

        def regions(document: Document) -> Iterator[Region]:
            for start, end, action in self._found():
                yield Region(start, end, action, evaluate)

        document = Document.parse(str(self.path), regions)
        for example in document.examples():
            example.evaluate()

    def _found(self) -> Iterator[tuple[int, int, Action | str]]:
        """The actions with their places in the text; a message where one is wrong."""
        lines = self.text.split("\n")
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line) + 1)
        blocks = {fence.first: fence for fence in fences.scan(lines)}
        checks = _Checks()
        number = 0
        while number < len(lines):
            last = number
            if fence := blocks.get(number):
                last = min(fence.last, len(lines) - 1)
                found = checks.fence(fence.kind, fence.body(lines))
            else:
                found = checks.line(lines[number])
            if found:
                yield starts[number], starts[last + 1] - 1, found
            number = last + 1
        if found := checks.end():
            yield len(self.text), len(self.text), found


class _Checks:
    """What hands want of what is around them: an action, a message, or neither."""

    def __init__(self) -> None:
        self._above = ""  # the hand that speaks of the console block below
        self._unchecked = False  # whether "terminal not" still waits for its moment

    def fence(self, kind: str, body: str) -> Action | str | None:
        """A fence of the page."""
        above, self._above = self._above, ""
        if above and kind != "console":
            return _misplaced(above)
        if kind not in FENCES or above == "not run":
            return None
        return Action(FENCES[kind], body, fails=above == "fails")

    def line(self, line: str) -> Action | str | None:
        """A line of the page outside of all fences."""
        if "<!--" not in line:
            above = self._above if line.strip() else ""
            self._above = "" if above else self._above
            return _misplaced(above) if above else None
        found = _hand(line)
        if isinstance(found, Action):
            if found.name in ABOVE:
                self._above = found.name
                return None
            return self._when(found)
        return found

    def _when(self, hand: Action) -> Action | str:
        if hand.name == "terminal not":
            self._unchecked = True
        elif hand.name in POSITIVE:
            self._unchecked = False
        elif self._unchecked and hand.name in ("ask", "Ctrl-C", "open", "reload"):
            return (
                f"“terminal not” above is never checked: wait before “{hand.name}”,"
                f" with one of {', '.join(POSITIVE)}"
            )
        return hand

    def end(self) -> str:
        """A message where the page ends too early."""
        if self._above:
            return _misplaced(self._above)
        if self._unchecked:
            return "“terminal not” is never checked: wait for something after it"
        return ""


def _misplaced(hand: str) -> str:
    return f"“{hand}” belongs right above a console block"


def _hand(line: str) -> Action | str | None:
    """What a line with a comment asks for; a message where nobody knows."""
    match = COMMENT.fullmatch(line.rstrip())
    if not match:
        known = re.search(r"<!-- *(\w[\w -]*)", re.sub(r"(`+).+?\1", "", line))
        if known and known[1].split(" ")[0].casefold() in _first_words():
            return f"a hand needs a line of its own, as <!-- open -->: {line.strip()}"
        return None
    name, argument = match["name"], match["argument"]
    if name in HANDS:
        if HANDS[name] and not argument:
            return f"“{name}” needs something behind it, as in <!-- {name}: … -->"
        if not HANDS[name] and argument is not None:
            return f"“{name}” takes nothing behind it"
        return Action(name, argument or "")
    if name[:1].isupper() and name.casefold() not in map(str.casefold, HANDS):
        return None
    return f"nobody knows the hand “{name}”; there are: {', '.join(HANDS)}"


def _first_words() -> set[str]:
    return {name.split(" ")[0].casefold() for name in HANDS}
