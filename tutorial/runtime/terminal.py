"""Colours for a terminal, and none where there is no terminal."""

import os
from collections.abc import Callable
from typing import IO

CODES = {
    "bold": 1,
    "dim": 2,
    "red": 31,
    "green": 32,
    "yellow": 33,
    "blue": 34,
    "magenta": 35,
    "cyan": 36,
}

# One for each process in the log, in the order of their start.
PROCESS_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")


def painter(stream: IO[str]) -> Callable[[str, str], str]:
    """A function (style, text) -> text that colours where `stream` shows colours.

    Honours NO_COLOR (no-color.org).
    """
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return lambda style, text: text
    return lambda style, text: f"\033[{CODES[style]}m{text}\033[0m"
