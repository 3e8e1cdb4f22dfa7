"""Which tools show a mistake: those whose output differs from a healthy project's."""

import re
from collections import Counter
from collections.abc import Callable

from support.shop import Seen

EXCEPTION = re.compile(r"Traceback \(most recent|^(\S+: )?[\w.]+(Error|Exception)\b")
STAGE = re.compile(r"stage (\d) · \w+ · (\w+).*")


def shown(seen: Seen, healthy: Seen) -> set[str]:
    """The names of the tools that show a difference from the healthy project."""
    found = {name for name, differs in LOOKS.items() if differs(seen, healthy)}
    if not seen.has_form:  # nobody can search, and the page is not open
        found -= {"show_queue", "show_groups", "log"}
        found -= set() if seen.has_button else {"map"}
    if "exception" in found:
        found -= {"line"}
    return found


def _exception(seen: Seen, healthy: Seen) -> bool:
    return any(map(EXCEPTION.search, [*_lines(seen), *seen.start.splitlines()]))


def _line(seen: Seen, healthy: Seen) -> bool:
    """Whether a line was logged that a healthy project never logs."""
    return bool(new_lines(seen, healthy))


def new_lines(seen: Seen, healthy: Seen) -> set[str]:
    """The lines that only the broken project logs, apart from those of a stage.

    Values that differ from one visit to the next are replaced.
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
    """The log lines of the stages, as written by the first search."""
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
    """Whether the console, a status, an address or a frame differs."""
    if not seen.status:
        return False

    def of(one: Seen) -> tuple[set[str], ...]:
        console = {normal(text) for text in one.console if "queue?" not in text}
        network = {normal(text) for text in one.network if " 304 " not in text}
        frames = {re.sub(r'": "[^"]*"', '": ""', text) for text in one.frames}
        return console, network, frames

    if of(seen) != of(healthy):
        return True
    # Everything up to the frame is as usual, but the page does not show its answer.
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
    """What the project's own processes have printed."""
    kept = []
    for line in seen.log:
        name, _, text = line.partition(": ")
        if name in ("web", "worker") and text.strip() and not CHANCE.search(text):
            kept.append(line)
    return kept


# Lines that may or may not be in a log, by chance.
CHANCE = re.compile(
    r" 304 |WebSocket DISCONNECT|Broken pipe|Warm shutdown"
    r"|^\w+ \d+, \d{4} - |^\s*warnings\.warn"
)


def normal(text: str) -> str:
    """The text with constants in place of values that differ between visits."""
    text = re.sub(r"\b(0x)?[0-9a-f]{6,}(-[0-9a-f]{4,})*\b", "X", text)
    text = re.sub(r"\d{4}-\d\d-\d\d", "D", text)
    text = re.sub(r"user_\d+", "user_N", text)
    text = re.sub(r"\d+[.:,]\d[\d.:,e-]*", "N", text)
    return re.sub(r"\d{4,}", "N", text)
