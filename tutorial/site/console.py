"""The `console` fence: commands to type in a terminal, and what they print."""

from dataclasses import dataclass, field

from tutorial.problem import Problem
from tutorial.site.listing import fenced

TITLE, COMMAND, CONTINUATION = "# ", "$ ", "> "

# Stands for a part of an output that may vary. As a whole line, it stands for any
# number of lines. Inside a line, it stands for any characters.
ANYTHING = "…"


@dataclass
class Exchange:
    """A command, and the part of its output that the page shows."""

    command: str  # without the prompts; it may have several lines
    output: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Console:
    """A block of commands for one terminal."""

    title: str  # such as "Terminal 2"; "" for none
    exchanges: list[Exchange]


def read(body: str) -> Console:
    """Parse the `body` of a `console` fence.

    Raises Problem if it has no command, or if there is text before the first command.
    """
    lines = [line.rstrip() for line in body.splitlines()]
    while lines and not lines[0]:
        del lines[0]
    title = ""
    if lines and lines[0].startswith(TITLE):
        title = lines.pop(0).removeprefix(TITLE).strip()
    exchanges: list[Exchange] = []
    for line in lines:
        if line.startswith(COMMAND):
            exchanges.append(Exchange(line.removeprefix(COMMAND)))
        elif not exchanges:
            if line:
                raise Problem(
                    "a console fence starts with its title (# Terminal 2) or a"
                    f' command ($ …), not with "{line}"'
                )
        elif line.startswith(CONTINUATION) and not exchanges[-1].output:
            exchanges[-1].command += "\n" + line.removeprefix(CONTINUATION)
        else:
            exchanges[-1].output.append(line)
    if not exchanges:
        raise Problem("a console fence needs a command: a line that starts with $")
    for exchange in exchanges:
        exchange.output = _without_blank_ends(exchange.output)
    return Console(title, exchanges)


def render(body: str) -> list[str]:
    """Return a `console` fence as Markdown: commands to copy, with their output below.

    A command without output is in the same block as the next command.
    """
    console = read(body)
    options = f' title="{_quotable(console.title)}"' if console.title else ""
    lines: list[str] = []
    commands: list[str] = []
    for number, exchange in enumerate(console.exchanges, start=1):
        commands += exchange.command.split("\n")
        if not exchange.output and number < len(console.exchanges):
            continue
        lines += ["", *fenced(commands, "{ .sh .console" + options + " }")]
        if exchange.output:
            head = '{ .text .prints .no-copy title="prints" }'
            lines += ["", *fenced(exchange.output, head)]
        commands, options = [], " .continued"
    return lines[1:]


def _without_blank_ends(lines: list[str]) -> list[str]:
    filled = [number for number, line in enumerate(lines) if line]
    return lines[filled[0] : filled[-1] + 1] if filled else []


def _quotable(title: str) -> str:
    """Return the title, or raise Problem if it contains a quotation mark."""
    if '"' in title:
        raise Problem(f"the title of a console fence holds a quotation mark: {title}")
    return title
