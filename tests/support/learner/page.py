"""Reads what a page asks a learner to do: listings, console blocks, and directives.

Directives are comments on a line of their own. They describe what no fence can: what
the learner does and sees in the browser, and in the terminal of a running program.

    <!-- open -->                     load http://127.0.0.1:8000
    <!-- ask: What is a broker? -->   type this text into the form and send it
    <!-- reload -->                   reload the page
    <!-- sees: Search has -->         wait until the page shows this text
    <!-- sees not: Offline -->        the page does not show this text now
    <!-- badge: Live -->              wait until the badge starts with this text
    <!-- status: 405 -->              wait until a page with this HTTP status is loaded
    <!-- console: stage 1 -->         wait for this text in the browser's console
    <!-- frame: "task_id" -->         wait for this text in a frame of the WebSocket
    <!-- terminal: stage 4 -->        wait for this text from the running program
    <!-- terminal not: stage 5 -->    this text is not printed before the next wait ends
    <!-- Ctrl-C -->                   end the running program
    <!-- my-search: 5 -->             make ../my-search again, at the end of step 5
    <!-- my-search: 5 no_await -->    the same, with a mistake of the repair shop in it
    <!-- run -->                      run ../my-search in a terminal that is not shown
    <!-- not run: why -->             the console block below cannot run in a test
    <!-- fails: why -->               a command below fails; its error may be left out

The directives `console`, `frame`, `terminal` and `terminal not` look only at what has
arrived since the last `ask`. A `…` stands for any characters. Except for Ctrl-C, a
comment that starts with a capital letter is not a directive, but a note for authors.

When the page of a step begins, ../my-search is at the end of the previous step, unless
the page makes the folder itself. On other pages, the folder does not exist until a
command or a directive makes it.
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

# The directives, and whether each of them has an argument after a colon.
DIRECTIVES = {
    **dict.fromkeys(("open", "reload", "Ctrl-C", "run"), False),
    **dict.fromkeys(("ask", "sees", "sees not", "badge", "status"), True),
    **dict.fromkeys(("console", "frame", "terminal", "terminal not"), True),
    **dict.fromkeys(("my-search", "not run", "fails"), True),
}
COMMENT = re.compile(r" *<!-- (?P<name>[^:\n]*?)(?:: (?P<argument>.*))? -->")

# The actions for the kinds of fences that only this site has.
LISTING, COMMANDS = "listing", "commands"
FENCES = {"step": LISTING, "console": COMMANDS}

# Directives about the console block that follows them.
ABOVE = ("not run", "fails")

# Directives that wait for something. After the wait, “terminal not” can be checked.
POSITIVE = ("sees", "badge", "status", "console", "frame", "terminal")


@dataclass(frozen=True)
class Action:
    """Something that a learner does: a fence, or a directive."""

    name: str  # LISTING, COMMANDS, or the name of a directive
    argument: str = ""  # the body of a fence, or the text after a directive's colon
    fails: bool = False  # whether a command of the fence is expected to fail


class Page:
    """A page of the site, as a learner reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text()
        front = FRONT_MATTER.match(self.text)
        self.meta = (yaml.safe_load(front[1]) if front else None) or {}

    @property
    def step(self) -> str:
        """The name of the step that the page is about; "" if it is about none."""
        return str(self.meta.get("step", ""))

    def lines_of(self, kind: str) -> list[str]:
        """Return the lines of the page's fences of the given kind, such as "sh"."""
        lines = self.text.split("\n")
        found = (f for f in fences.scan(lines) if f.info.split(" ")[0] == kind)
        return [line for fence in found for line in fence.body(lines).split("\n")]

    def fences(self) -> list[str]:
        """Return the info strings of the page's fences.

        Fences that begin with more than three backticks or tildes are left out, because
        they only show other fences.
        """
        lines = self.text.split("\n")
        return [f.info for f in fences.scan(lines) if len(f.marks) == 3]

    def actions(self) -> list[Action]:
        """Return all actions of the page.

        Raises SybilFailure, which names the line, if an action cannot be read.
        """
        found: list[Action] = []
        self.go_down(found.append)
        return found

    def go_down(self, do: Callable[[Action], object]) -> None:
        """Call `do` with one action of the page after the other.

        Raises SybilFailure, which names the page and the line, if an action fails.
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
        """Yield the start and the end of each action in the text, and the action.

        If an action is wrong, yield a message in its place.
        """
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
    """Reads fences and lines, and checks that the directives are in the right places.

    Each method returns an action, a message about a mistake, or neither.
    """

    def __init__(self) -> None:
        self._above = ""  # a directive about the console block that follows
        self._unchecked = False  # whether a "terminal not" still has to be checked

    def fence(self, kind: str, body: str) -> Action | str | None:
        """Read and check a fence of the page."""
        above, self._above = self._above, ""
        if above and kind != "console":
            return _misplaced(above)
        if kind not in FENCES or above == "not run":
            return None
        return Action(FENCES[kind], body, fails=above == "fails")

    def line(self, line: str) -> Action | str | None:
        """Read and check a line of the page that is outside all fences."""
        if "<!--" not in line:
            above = self._above if line.strip() else ""
            self._above = "" if above else self._above
            return _misplaced(above) if above else None
        found = _directive(line)
        if isinstance(found, Action):
            if found.name in ABOVE:
                self._above = found.name
                return None
            return self._when(found)
        return found

    def _when(self, directive: Action) -> Action | str:
        if directive.name == "terminal not":
            self._unchecked = True
        elif directive.name in POSITIVE:
            self._unchecked = False
        elif self._unchecked and directive.name in ("ask", "Ctrl-C", "open", "reload"):
            return (
                "“terminal not” above is never checked: write one of"
                f" {', '.join(POSITIVE)} before “{directive.name}”"
            )
        return directive

    def end(self) -> str:
        """Return a message if the page ends too early, and "" if not."""
        if self._above:
            return _misplaced(self._above)
        if self._unchecked:
            return (
                "“terminal not” is never checked: after it, write one of"
                f" {', '.join(POSITIVE)}"
            )
        return ""


def _misplaced(directive: str) -> str:
    return f"“{directive}” belongs right above a console block"


def _directive(line: str) -> Action | str | None:
    """Return the action of a line with a comment, or a message if it is wrong.

    Return None if the comment is not a directive.
    """
    match = COMMENT.fullmatch(line.rstrip())
    if not match:
        known = re.search(r"<!-- *(\w[\w -]*)", re.sub(r"(`+).+?\1", "", line))
        if known and known[1].split(" ")[0].casefold() in _first_words():
            return (
                "a directive needs a line of its own, as in <!-- open -->:"
                f" {line.strip()}"
            )
        return None
    name, argument = match["name"], match["argument"]
    if name in DIRECTIVES:
        if DIRECTIVES[name] and not argument:
            return f"“{name}” needs an argument, as in <!-- {name}: … -->"
        if not DIRECTIVES[name] and argument is not None:
            return f"“{name}” takes no argument"
        return Action(name, argument or "")
    if name[:1].isupper() and name.casefold() not in map(str.casefold, DIRECTIVES):
        return None
    return f"there is no directive “{name}”; there are: {', '.join(DIRECTIVES)}"


def _first_words() -> set[str]:
    return {name.split(" ")[0].casefold() for name in DIRECTIVES}
