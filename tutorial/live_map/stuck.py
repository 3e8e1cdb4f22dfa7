"""Finds where a search is stuck, and why, as far as this can be observed."""

import re

from tutorial.live_map.journey import Journey
from tutorial.live_map.stuck_at_consumer import frames, in_consumer
from tutorial.live_map.stuck_before_worker import in_queue, in_view
from tutorial.live_map.stuck_in_worker import in_signal, in_worker
from tutorial.live_map.world import PATIENCE, Halt, World
from tutorial.observer.events import Event
from tutorial.project.steps import steps


def judge(journey: Journey, world: World, now: float) -> None:
    """Set the journey's state, and its halt: where the search has stopped, and why."""
    halt = _ended(journey, world) or _halted(journey, world, now)
    is_older = any(process.is_older for process in world.of("worker"))
    if halt and is_older and halt.stage in (4, 5) and halt.state in ("stuck", "failed"):
        seen = f"The worker runs older code than your files contain. {halt.text}"
        halt = Halt(halt.stage, seen, "old-code-runs", halt.at, halt.state)
    if halt and halt.stage == 7 and world.step == 6:
        seen = "The frame reached the browser, but the page does not change."
        halt = _as_the_step_should(Halt(7, seen), world)
    journey.halt = halt.data() if halt and halt.text else None
    journey.state = halt.state if halt else "travelling"


def _ended(journey: Journey, world: World) -> Halt | None:
    """Return the halt of a search that has ended, or None."""
    cancelled = journey.latest("updated")
    if cancelled and cancelled["values"].get("status") == "cancelled":
        return Halt(4, "", state="cancelled")
    sent = journey.latest("group_send")
    if sent is None or not _has_arrived(journey, sent, world):
        return None
    signal, done = journey.latest("signal"), journey.latest("task done")
    if signal:
        return Halt(7, "", state="arrived") if sent["time"] >= signal["time"] else None
    if done and sent["time"] <= done["time"]:
        return Halt(7, "", state="arrived")
    return None


def _has_arrived(journey: Journey, sent: Event, world: World) -> bool:
    """Whether a frame was sent through an open WebSocket because of the message."""
    return any(world.sockets.was_accepted(one) for one in frames(journey, sent))


def _has_frame(journey: Journey, world: World) -> bool:
    """Whether any frame of the search was sent through an open WebSocket."""
    return any(
        one["what"] == "consumer sends" and world.sockets.was_accepted(one)
        for one in journey.events
    )


def _halted(journey: Journey, world: World, now: float) -> Halt | None:
    for look in (in_view, in_queue, in_worker, in_signal, in_consumer):
        for halt in look(journey, world, now - journey.last):
            return _as_the_step_should(halt, world)
    if now - journey.last > PATIENCE and _has_frame(journey, world):
        return Halt(7, "", state="arrived")
    return None


def _as_the_step_should(halt: Halt, world: World) -> Halt:
    """Return the halt. If the step should stop there, say that this is expected."""
    is_end = halt.stage > world.step or (halt.mistake, world.step) in ENDS
    if not 1 <= world.step < len(steps()) or not is_end:
        return halt
    here, following = steps()[world.step - 1], steps()[world.step]
    component = re.sub("^The ", "the ", following.component)
    text = (
        f"In step {here.name}, a search stops here. {halt.text} Step {following.name}"
        f" adds what comes next: {component}."
    )
    # Only a message in a queue counts as waiting.
    state = "waiting" if halt.mistake == "no-worker" else "ends"
    return Halt(halt.stage, text, state=state)


# Pairs of a mistake and the number of a step in which every search is supposed to end
# with this mistake.
ENDS = {
    ("no-view-takes-post", 1),
    ("eager-left-on", 2),
    ("no-worker", 3),
}
