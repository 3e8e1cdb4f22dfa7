"""What the program shows on a terminal: colours, one line of progress, the log."""

import locale
import os
import shutil
import sys
import threading
import time
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

# Colours for the processes in the log, in the order in which they first print a line.
PROCESS_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")


# Variables that make Python use UTF-8 for all text, in this process and its children.
UTF8 = {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8"}


def use_utf8() -> None:
    """Start the program again in UTF-8, unless it uses UTF-8 already.

    The program's texts, the pages and the logs of the steps contain characters that the
    locale C does not support.
    """
    streams = (sys.stdout.encoding, sys.stderr.encoding)
    encodings = (*streams, locale.getpreferredencoding(False))
    is_utf8 = all(name.lower().replace("-", "") == "utf8" for name in encodings)
    if not is_utf8 and os.environ.items() & UTF8.items() != UTF8.items():
        os.environ.update(UTF8)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    # A file name may still contain bytes that are not UTF-8.
    sys.stdout.reconfigure(errors="backslashreplace")


def painter(stream: IO[str]) -> Callable[[str, str], str]:
    """Return a function (style, text) -> text that adds colour if `stream` shows it.

    It adds no colour if the variable NO_COLOR is set (no-color.org).
    """
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return lambda style, text: text
    return lambda style, text: f"\033[{CODES[style]}m{text}\033[0m"


class Progress:
    """One line on a terminal that says what is being done, and for how long.

    Without a terminal, it prints only the lines of `begin` and `end`.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.is_shown = sys.stderr.isatty() and not quiet
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long the work has taken so far."""
        return time.monotonic() - self._started

    def __call__(self, text: str) -> None:
        """Show what is being done now. An empty text removes the line."""
        if self.is_shown:
            shown = f"{self.seconds:4.1f} s  {text} ..." if text else ""
            print(f"\r\033[K{shown}", end="", file=sys.stderr, flush=True)

    def begin(self, title: str) -> None:
        """Without a terminal, print the title of the work that begins."""
        if not self.is_shown:
            print(f"{title} ...", file=sys.stderr, flush=True)

    def end(self, title: str) -> None:
        """Replace the line with one that stays, such as "Installing  done in 3.2 s"."""
        start = "\r\033[K" if self.is_shown else ""
        print(f"{start}{title} in {self.seconds:.1f} s", file=sys.stderr, flush=True)


class Bar:
    """A bar on a terminal that shows how many things are done, and the time left.

    Without a terminal, it prints nothing.
    """

    LENGTH = 24  # the number of characters in the bar

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()

    def __call__(
        self, done: int, of: int, seconds: float | None, names: list[str]
    ) -> None:
        """Show that `done` of all `of` items are finished.

        `seconds` is the estimated time left, or None if that is unknown. `names` are
        the names of what is being done now.
        """
        if not self._is_shown:
            return
        full = self.LENGTH * done // max(of, 1)
        bar = "#" * full + "." * (self.LENGTH - full)
        left = "" if seconds is None else f", about {duration(seconds)} left"
        text = printable(f"[{bar}] {done} of {of}{left}: {', '.join(names)}")
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\033[K{text[:width]}", end="", file=sys.stderr, flush=True)

    def remove(self) -> None:
        """Remove the bar from the terminal."""
        if self._is_shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Replace control characters, because a terminal would interpret them."""
    return "".join(
        one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text
    )


def duration(seconds: float) -> str:
    """Return a time in words, such as "1 min 40 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class Log:
    """Prints the lines of all processes, with a name and a colour for each process."""

    def __init__(self) -> None:
        self._paint = painter(sys.stdout)
        self._lock = threading.Lock()
        self._styles: dict[str, str] = {}

    def __call__(self, name: str, line: str) -> None:
        """Print a line of a process."""
        with self._lock:
            style = self._styles.setdefault(
                name, PROCESS_COLOURS[len(self._styles) % len(PROCESS_COLOURS)]
            )
            self._print(f"{self._paint(style, f'{name:<8}|')} {line}")

    def say(self, text: str) -> None:
        """Print a line from the program itself."""
        with self._lock:
            self._print(self._paint("bold", text))

    def _print(self, text: str) -> None:
        try:
            print(text, flush=True)
        except OSError:
            # The terminal is closed. SIGHUP ends the processes, so print nothing more.
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
