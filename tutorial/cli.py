"""Parses the command line, `python3 -m tutorial COMMAND`, and runs the command."""

import os
import signal
import sys
from typing import NoReturn

from tutorial.commands import (
    bench,
    check,
    diff,
    docs,
    history,
    manage,
    new,
    pack,
    pictures,
    prepare,
    propagate,
    repair,
    run,
    test,
)
from tutorial.commands.arguments import Commands, Parser
from tutorial.problem import Problem
from tutorial.runtime.services import NO_PROXY
from tutorial.runtime.terminal import use_utf8

PROGRAM = "python3 -m tutorial"

# The commands, in the order in which the help lists them.
COMMANDS = (
    run,
    new,
    check,
    diff,
    manage,
    docs,
    prepare,
    pack,
    history,
    repair,
    bench,
    test,
    propagate,
    pictures,
)


def main() -> None:
    """Run the command that the user typed, and exit with its status."""
    use_utf8()
    signal.signal(signal.SIGTERM, _exit_on_signal)
    # If a file name is not valid UTF-8, print escapes, which are also valid in JSON.
    if sys.stdout:  # None if standard output is closed
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.exit(_run(sys.argv[1:]))
    except Problem as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the output's reader has ended, as in `diff 3 4 | head`
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        sys.exit(0)


def _exit_on_signal(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)


def _run(arguments: list[str]) -> int:
    parser = _parser()
    if not arguments:
        print(parser.format_help())
        return 0
    # Everything after `test` and `manage`, including options, is for pytest or Django.
    options, rest = parser.parse_known_args(arguments)
    lacks_step = options.command == "new" and options.step is None
    if lacks_step and rest and not rest[0].startswith("-"):
        options.step = rest.pop(0)  # argparse accepts no STEP after an option
    # An older argparse does not accept folders after an option, either.
    while options.command == "check" and rest and not rest[0].startswith("-"):
        options.folders.append(rest.pop(0))
    if rest and options.command != "test":
        parser.error(f"unknown argument: {' '.join(rest)}")
    options.rest = rest
    # Requests to services on this machine do not go through a proxy.
    os.environ.update(NO_PROXY)
    return options.function(options) or 0


def _parser() -> Parser:
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} COMMAND [...]",
        description="From an HTML form to a real-time search page, in seven steps.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(
        title="commands",
        prog=PROGRAM,
        dest="command",
        metavar="",
        required=True,
        parser_class=Parser,
    )
    for command in COMMANDS:
        command.add(Commands(commands))
    return parser
