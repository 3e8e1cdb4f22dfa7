"""Finds out why a search stops at the task or at the signal."""

import re

from tutorial.check.code import Code
from tutorial.check.exceptions import of_handler, of_layer
from tutorial.check.handlers import is_lost, why_no_handler
from tutorial.live_map.hops import said, sentence
from tutorial.live_map.journey import Journey
from tutorial.live_map.stuck_before_worker import is_eager
from tutorial.live_map.world import PATIENCE, Halt, Halts, World
from tutorial.observer.events import Event


def in_worker(journey: Journey, world: World, quiet: float) -> Halts:
    """Yield a halt if the task has failed, or has sent no signal or message yet.

    A halt says where a search has stopped, and why.
    """
    started = journey.latest("task started")
    if started is None or is_eager(journey):
        return
    failed, retried = journey.latest("task failed"), journey.latest("task retried")
    announced = journey.latest("signal", "group_send")
    error = journey.latest("openai")
    if failed and not (retried and retried["time"] >= failed["time"]):
        if journey.latest("handler failed", "group_send failed"):
            return  # `in_signal` explains the error that made the task fail
        is_api = bool(error and not announced)
        mistake = _mistake_of(failed, journey, bool(announced))
        at = (error.at if is_api else None) or failed.at
        text = f"The task raised {said(failed.error)}."
        yield Halt(4, text, "api-call-fails" if is_api else mistake, at, "failed")
        return
    if quiet <= PATIENCE:
        return
    pids = [one["pid"] for one in journey.events if one["process"] == "worker"]
    if pids[-1] in world.dead and not journey.latest("signal"):
        text = f"The worker that had the search (process {pids[-1]}) has ended."
        yield Halt(4, text)
        return
    asked, answered = journey.latest("api asked"), journey.latest("api answered")
    came = max((one["time"] for one in (answered, error) if one), default=0.0)
    if asked and asked["time"] > came:
        text = f"The API ({asked['model']}) has not answered for {quiet:.0f} s."
        yield Halt(4, text, at=asked.at, state="waiting")
        return
    if not journey.latest("task done"):
        if not announced:
            text = f"The task has been running for {quiet:.0f} s without progress."
            yield Halt(4, text, "task-does-not-end", started.at)
        return
    if announced:
        return
    saved = [one for one in journey.events if one["what"] in ("saved", "updated")]
    if bulk := journey.latest("created in bulk"):
        text = f"The task saved a {bulk['model']} in bulk, which sends no signal."
        yield Halt(5, text, "model-signal-not-sent", bulk.at)
        return
    if not any(one["process"] == "worker" for one in saved):
        mistake, text = "not-saved", "The task has ended without saving a row."
        if error:
            mistake, text = (
                "api-call-fails",
                f"The API call failed: {said(error.error)}.",
            )
        yield Halt(4, text, mistake, (error or started).at)
        return
    text = "The answer is saved, but neither a signal nor a group message was sent."
    if lost := _lost_call(journey, world, "asend", "asend_robust", "group_send"):
        yield Halt(5, f"{text} A call is not awaited.", "not-awaited", lost)
        return
    yield Halt(5, text, "signal-not-sent", started.at)


def _mistake_of(failed: Event, journey: Journey, is_announced: bool) -> str:
    """Return the id of the mistake that made the task raise its exception."""
    saved = [one for one in journey.events if one["what"] in ("saved", "updated")]
    if is_announced or any(one["process"] == "worker" for one in saved):
        return "task-raises-after-save"
    if re.search(r"'(Response|ChatCompletion)\w*' object", failed.error):
        return "wrong-response-field"
    if re.search(r"no such (table|column)", failed.error):
        return "migration-not-applied"
    called = journey.latest("enqueued")
    is_missing = re.search(r"NOT NULL|not-null|DoesNotExist", failed.error)
    if is_missing and called and None in called["arguments"]:
        return "none-in-message"
    return "task-raises"


def in_signal(journey: Journey, world: World, quiet: float) -> Halts:
    """Yield a halt if the signal was sent, but no message to a group followed."""
    signal, sent = journey.latest("signal"), journey.latest("group_send")
    failed = journey.latest("group_send failed")
    if failed and not (sent and sent["time"] > failed["time"]):
        words = said(f"{failed['error']}: {failed.get('reason', '')}")
        text = f"group_send to {failed['group']} raised {words}."
        yield Halt(5, text, of_layer(failed), failed.at, "failed")
        return
    if failed := journey.latest("handler failed"):
        mistake = of_handler(failed)
        text = f"The handler raised {said(failed.error)}."
        if mistake == "not-awaited":
            text = "The handler is a coroutine that is never awaited."
        advice = ""
        if mistake == "handler-raises" and "argument" not in failed.error:
            advice = "Correct the line that is named here. Then start the worker again."
        yield Halt(5, text, mistake, failed.at, "failed", advice)
        return
    if signal is None or (sent and sent["time"] >= signal["time"]):
        return
    if signal["receivers"] == 0:
        yield _no_handler(journey, signal, world)
        return
    if quiet > PATIENCE:
        handlers = ", ".join(signal.get("handlers", ()))
        text = f"{handlers} got {signal['name']}, but sent nothing to a group."
        if lost := _lost_call(journey, world, "group_send"):
            text += " `group_send` was called, but not awaited."
            yield Halt(5, text, "not-awaited", lost)
            return
        yield Halt(5, text, "handler-does-not-send", signal.at)


def _lost_call(journey: Journey, world: World, *names: str) -> str | None:
    """Return where one of these methods is called without `await`, or None."""
    key = f"lost {names}"
    if key not in journey.explained:
        code = Code(world.folder)
        lost = [call.at for call in code.calls(*names) if is_lost(code, call)]
        journey.explained[key] = next(iter(lost), None)
    return journey.explained[key]


def _no_handler(journey: Journey, signal: Event, world: World) -> Halt:
    """Return the halt of a search whose signal has no handler."""
    key = f"signal {signal['time']}"
    # Read the code once, when the search gets stuck: the learner may change it later.
    if key not in journey.explained:
        here = [one for one in world.receivers if one["pid"] == signal["pid"]]
        journey.explained[key] = why_no_handler(Code(world.folder), here, signal)
    found = journey.explained[key]
    return Halt(5, sentence(found.seen), found.mistake, found.at)
