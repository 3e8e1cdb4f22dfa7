"""Finds out which tools show that a project of the repair shop has a mistake.

A tool shows the mistake if the tool's output differs from the output for a healthy
project.
"""

import re
from collections import Counter
from collections.abc import Callable

from support.shop import Seen

EXCEPTION = re.compile(r"Traceback \(most recent|^(\S+: )?[\w.]+(Error|Exception)\b")
STAGE = re.compile(r"stage (\d) · \w+ · (\w+).*")


def shown(seen: Seen, healthy: Seen) -> set[str]:
    """Return the names of the tools that show a mistake in the project."""
    found = {name for name, differs in LOOKS.items() if differs(seen, healthy)}
    if not seen.has_form:  # nobody can search, and no page of the app is open
        found -= {"show_queue", "show_groups", "log"}
        found -= set() if seen.has_button else {"map"}
    if "exception" in found:
        found -= {"line"}
    return found


def _exception(seen: Seen, healthy: Seen) -> bool:
    return any(map(EXCEPTION.search, [*_lines(seen), *seen.start.splitlines()]))


def _line(seen: Seen, healthy: Seen) -> bool:
    """Whether the project logged a line that a healthy project never logs."""
    return bool(new_lines(seen, healthy))


def new_lines(seen: Seen, healthy: Seen) -> set[str]:
    """Return the lines that only the broken project logs, except lines of stages.

    In these lines, constants replace the values that differ between visits.
    """
    usual = set(map(normal, _lines(healthy)))
    return {
        line
        for line in map(normal, _lines(seen))
        if line not in usual and not STAGE.search(line)
    }


def _log(seen: Seen, healthy: Seen) -> bool:
    return _story(seen) != _story(healthy)


def _story(seen: Seen) -> Counter[str]:
    """Count the log lines of the stages, except those of the second search."""
    found = [match for line in _lines(seen) if (match := STAGE.search(line))]
    others = {match[2] for match in found if "asks: What is a queue" in match[0]}
    return Counter(normal(match[0]) for match in found if match[2] not in others)


def _show_queue(seen: Seen, healthy: Seen) -> bool:
    return bool(seen.show_queue) and seen.show_queue != healthy.show_queue


def _show_groups(seen: Seen, healthy: Seen) -> bool:
    return bool(seen.show_groups) and normal(seen.show_groups) != normal(
        healthy.show_groups
    )


def _map(seen: Seen, healthy: Seen) -> bool:
    return (seen.map, seen.map_stage) != (healthy.map, healthy.map_stage)


def _browser(seen: Seen, healthy: Seen) -> bool:
    """Whether the browser's console, its requests or its frames differ.

    A frame whose answer does not appear in the page counts as a difference, too.
    """
    if not seen.status:
        return False

    def of(one: Seen) -> tuple[set[str], ...]:
        console = {normal(text) for text in one.console if "queue?" not in text}
        network = {normal(text) for text in one.network if " 304 " not in text}
        frames = {re.sub(r'": "[^"]*"', '": ""', text) for text in one.frames}
        return console, network, frames

    if of(seen) != of(healthy):
        return True
    # Even if everything up to the frame is as usual, the page may not show the answer.
    return bool(seen.frames) and not any(seen.answer in one for one in seen.entries)


LOOKS: dict[str, Callable[[Seen, Seen], bool]] = {
    "exception": _exception,
    "line": _line,
    "log": _log,
    "show_queue": _show_queue,
    "show_groups": _show_groups,
    "map": _map,
    "browser": _browser,
}


def _lines(seen: Seen) -> list[str]:
    """Return the lines of `web` and `worker` that do not match `CHANCE`."""
    kept = []
    for line in seen.log:
        name, _, text = line.partition(": ")
        if name in ("web", "worker") and text.strip() and not CHANCE.search(text):
            kept.append(line)
    return kept


# Matches lines that may, by chance, be in one log and not in another.
CHANCE = re.compile(
    r" 304 |WebSocket DISCONNECT|Broken pipe|Warm shutdown"
    r"|^\w+ \d+, \d{4} - |^\s*warnings\.warn"
)


def normal(text: str) -> str:
    """Return the text with constants in place of values that differ between visits."""
    text = re.sub(r"\b(0x)?[0-9a-f]{6,}(-[0-9a-f]{4,})*\b", "X", text)
    text = re.sub(r"\d{4}-\d\d-\d\d", "D", text)
    text = re.sub(r"user_\d+", "user_N", text)
    text = re.sub(r"\d+[.:,]\d[\d.:,e-]*", "N", text)
    return re.sub(r"\d{4,}", "N", text)
