"""Records how one search travels through a step, as the live map shows it."""

import json
import re
from typing import Any

from tutorial.capture.recording import TASK_ID
from tutorial.capture.records import RECORDED, journey_name
from tutorial.live_map.server import LiveMap
from tutorial.project.steps import Step
from tutorial.runtime.waiting import wait_until

PATIENCE = 20.0  # seconds until a search must have ended

# Patterns for values that differ from search to search, and their replacements.
SAME = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", TASK_ID),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d+(\+00:00)?", "2030-01-01 12:00:00"),
    (r"(redis://127\.0\.0\.1:)\d+", r"\g<1>6379"),
    (r"\bprocess( id)? \d+", r"process\g<1> 4321"),
)
DURATION = re.compile(r"\b\d+(\.\d+)? m?s\b")


def record(step: Step, live: LiveMap) -> None:
    """Write the journey of a running step's first search to `docs/recorded/`.

    The file is not rewritten if only the times have changed.
    """
    journey = normalise(settled(live))
    path = RECORDED / journey_name(step.name)
    known = json.loads(path.read_text()) if path.exists() else {}
    if without_times(known) != without_times(journey):
        text = json.dumps(journey, indent=2, ensure_ascii=False)
        path.write_text(text + "\n")


def settled(live: LiveMap) -> dict[str, Any]:
    """Wait until the first search has ended, and return it.

    A search has ended if its state is neither "travelling" nor "stuck". Raises
    TimeoutError if the first search has not ended after PATIENCE seconds.
    """

    def found() -> dict[str, Any] | None:
        searches = live.everything()["searches"]
        is_over = searches and searches[0]["state"] not in ("travelling", "stuck")
        return searches[0] if is_over else None

    return wait_until(
        found,
        seconds=PATIENCE,
        otherwise=lambda: f"the search has not ended: {live.everything()['searches']}",
    )


def normalise(search: dict[str, Any]) -> dict[str, Any]:
    """Return the search with fixed ids, and with times in seconds since its start."""
    text = json.dumps(search, ensure_ascii=False)
    for pattern, replacement in SAME:
        text = re.sub(pattern, replacement, text)
    journey = json.loads(text)
    started = journey.pop("started")
    journey.pop("number")
    for hop in journey["hops"]:
        for name in ("time", "until"):
            hop[name] = round(hop[name] - started, 3)
        hop.pop("pid")
    journey["hops"].sort(key=lambda hop: hop["time"])
    return journey


def without_times(journey: dict[str, Any]) -> dict[str, Any]:
    """Return the journey without its times, with the hops of each process together."""
    if not journey:
        return {}
    journey = json.loads(DURATION.sub("… s", json.dumps(journey, ensure_ascii=False)))
    for hop in journey["hops"]:
        del hop["time"], hop["until"]
    # Web and worker run concurrently, so the order of their hops varies.
    journey["hops"].sort(key=lambda hop: (hop["process"], hop["stage"]))
    return journey
