"""Explains stage 5: what happened between the task's end and the channel layer."""

import re
from collections.abc import Iterator

from tutorial.check.blocks import condition_of
from tutorial.check.code import Call
from tutorial.check.exceptions import of_handler, of_layer
from tutorial.check.handlers import is_lost, why_no_handler
from tutorial.check.inside.stage_4_worker import still_runs, task_failed
from tutorial.check.scene import Scene, Search
from tutorial.check.stages.stage_5_signal import EXPECTED
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event


def explain(scene: Scene, unmet: Unmet) -> Unmet:
    """Explain a missing broadcast: return its mistake, or `unmet` with its place."""
    if unmet.mistake == "not-broadcast":
        return why_not_broadcast(scene, unmet, scene.search)
    if unmet.mistake == "message-before-answer":
        return _too_early(scene, unmet)
    if unmet.mistake == "error-not-broadcast":
        return _error_not_broadcast(scene, unmet)
    sent = scene.search.events.first("group_send", process="worker")
    unmet.at = unmet.at or (sent.at if sent else None)
    return unmet


def _too_early(scene: Scene, unmet: Unmet) -> Unmet:
    """Return `unmet` with the place that sent the signal or message too early."""
    sent = scene.search.own_events.first("signal", "group_send")
    sent = sent or scene.search.events.first("signal", "group_send")
    if sent:
        what = sent["name"] if sent["what"] == "signal" else "the message"
        where = {"web": "the web process", "worker": "the worker"}[sent["process"]]
        unmet.at = sent.at
        unmet.seen += f"; {what} was sent in {where}, at {sent.at}"
    return unmet


def _error_not_broadcast(scene: Scene, unmet: Unmet) -> Unmet:
    """Return `unmet` with the place that prevents the broadcast of an error.

    The place is in the task or in the handler.
    """
    events = scene.second.events
    kinds = ("handler failed", "group_send failed", "task failed")
    if failed := events.first(*kinds):
        unmet.at, unmet.seen = failed.at, f"{unmet.seen}; {failed.error}"
        return unmet
    sent = scene.code.calls("group_send")
    if not events.first("signal", process="worker"):
        sent = _senders(scene) or sent
    at = sent[0].at if sent else None
    unmet.at = condition_of(scene.code, at) or at
    if unmet.at:
        unmet.seen += (
            "; whether the error is broadcast depends on this line:"
            f" {scene.code.line(unmet.at)}"
        )
    return unmet


def findings(scene: Scene) -> Iterator[Unmet]:
    """Yield a finding if the message is sent before the row is saved and committed."""
    expected = "a row that other processes can read before its message is sent"
    sent = _of_task(scene, "group_send")
    signals = _of_task(scene, "signal")
    saved = _of_task(scene, "saved")
    if not (signals or sent):
        return
    if not signals:
        scene.advice.append(
            f"{sent[0].at}: the broadcast was not caused by a signal that the project"
            " defines"
        )
    # Pieces of an answer may be broadcast before the answer is complete.
    announced = (signals or sent)[-1]
    if saved and all(row["time"] > announced["time"] for row in saved):
        seen = f"the message was sent before the row was saved at {saved[0].at}"
        yield Unmet("signal-before-save", seen, expected=expected, at=announced.at)
    if announced.get("in_transaction"):
        seen = "the message was sent inside the transaction that saves the row"
        yield Unmet("signal-before-commit", seen, expected=expected, at=announced.at)


def _of_task(scene: Scene, kind: str) -> list[Event]:
    """Return the worker's events of one kind.

    Events after the end of the first search's task are left out.
    """
    end = scene.end_of(scene.search)
    found = scene.search.events.all(kind, process="worker")
    return [one for one in found if end is None or one["time"] <= end["time"]]


def why_not_broadcast(scene: Scene, unmet: Unmet, search: Search) -> Unmet:
    """Return the mistake on the way from the task's end to the channel layer."""
    events = search.events
    if sent := events.first("group_send", process="worker"):
        return _elsewhere(scene, sent)
    if failed := events.first("group_send failed"):
        return _layer_failed(scene, failed)
    if failed := events.first("handler failed"):
        return _handler_failed(scene, failed)
    signal = events.first("signal", process="worker")
    if signal is None:
        return _no_signal(scene, unmet, search)
    if signal["receivers"] == 0:
        connected = scene.events.all("connected", process="worker")
        found = why_no_handler(scene.code, connected, signal)
        found.expected = EXPECTED
        return found
    calls = scene.code.calls("group_send")
    if lost := not_awaited(scene, calls, EXPECTED):
        return lost
    place = next(iter(scene.code.receivers.values()), ("", None))[1]
    return Unmet(
        "handler-does-not-send",
        f"{signal['name']} was sent to {signal['receivers']} handler(s), but none of"
        " them called group_send",
        expected=EXPECTED,
        at=calls[0].at if calls else place,
    )


def not_awaited(
    scene: Scene, calls: list[Call], expected: str, stage: int | None = None
) -> Unmet | None:
    """Return the mistake to report if a call's coroutine is never awaited, or None."""
    for call in calls:
        if is_lost(scene.code, call):
            name = f"{call.target}.{call.name}".removeprefix(".")
            seen = f"{name}(...) was called, but not awaited"
            return Unmet(
                "not-awaited", seen, expected=expected, at=call.at, stage=stage
            )
    return None


def name_refused(scene: Scene, failed: Event, stage: int = 6) -> Unmet | None:
    """Return the mistake if the channel layer refuses a group's name, or None.

    `failed` is the failed call of the layer, or the exception that the call caused in
    the consumer.
    """
    words = str(failed.get("reason") or failed.get("message") or "")
    if failed["error"] != "TypeError" or not words.startswith("Group name must be"):
        return None
    kinds = ("group_add failed", "group_send failed")
    calls = scene.events.all(*kinds, pid=failed["pid"])
    call = failed if "group" in failed else calls[-1] if calls else None
    seen = f"TypeError: {words[:150]}"
    if call is not None:
        seen = f"the group is called {call['group']!r}: {_not_allowed(call['group'])}"
    at = (call.at if call else None) or failed.at
    expected = "a name of ASCII letters, digits, hyphens, underscores and periods"
    return Unmet("group-name-refused", seen, expected=expected, at=at, stage=stage)


def _not_allowed(name: object) -> str:
    """Return the reason why the name of a group is not valid, as text."""
    if not isinstance(name, str):
        return f"it is not a string, but of the type {type(name).__name__}"
    wrong = dict.fromkeys(re.sub(r"[a-zA-Z\d\-_.]", "", name))
    if wrong:
        named = {" ": "a space"}
        signs = ", ".join(named.get(sign, f"“{sign}”") for sign in wrong)
        return f"a name must not contain {signs}"
    return f"it has {len(name)} characters, but at most 99 are allowed"


def _layer_failed(scene: Scene, failed: Event) -> Unmet:
    reason = f"{failed['error']}: {failed['reason']}"
    if found := name_refused(scene, failed, stage=5):
        return found
    if of_layer(failed) == "message-not-serializable":
        seen = f"the message for {failed['group']}: {reason[:150]}"
        return Unmet("message-not-serializable", seen, expected=EXPECTED, at=failed.at)
    at = layers(scene)
    return Unmet("layer-refuses", reason[:200], expected=EXPECTED, at=at)


def _handler_failed(scene: Scene, failed: Event) -> Unmet:
    mistake, seen = of_handler(failed), failed.error
    if mistake == "not-awaited":
        seen = "the handler returned a coroutine that was not awaited"
        return Unmet(mistake, seen, expected=EXPECTED, at=failed.at)
    if mistake in ("layer-missing", "layer-refuses"):
        if mistake == "layer-missing":
            seen = "get_channel_layer() returned None"
        return Unmet(mistake, seen, expected=EXPECTED, at=layers(scene))
    if mistake == "template-missing":
        files = ", ".join(scene.code.texts(".html")) or "none"
        seen = f"{failed.error}; the project's templates: {files}"
        return Unmet(mistake, seen, expected=EXPECTED, at=failed.at, stage=5)
    if mistake == "async-mismatch":
        return Unmet(mistake, seen, expected=EXPECTED, at=failed.at)
    # If the arguments do not fit, the traceback contains no line of the function.
    name = re.search(r"(\w+)\(\)", failed.error)
    at = failed.at or (name and scene.code.find(rf"def {name[1]}\(", ".py"))
    if "argument" in seen and (sent := scene.search.events.first("signal")):
        seen += f"; the signal is sent in {sent.at}: {scene.code.line(sent.at)[:80]}"
    line = scene.code.line(at)
    expected = f"{EXPECTED}; the line is: {line}" if line else EXPECTED
    return Unmet("handler-raises", seen, expected=expected, at=at)


def layers(scene: Scene) -> str | None:
    """Return the place where the channel layers are set, or should be set."""
    return scene.code.find(r"^CHANNEL_?LAYERS?\w*\s*=", ".py") or scene.code.find(
        r"^INSTALLED_APPS", ".py"
    )


def _no_signal(scene: Scene, unmet: Unmet, search: Search) -> Unmet:
    """Return the mistake to report if the task sent no signal of the project."""
    end = scene.end_of(search)
    if end and end["what"] == "task failed":
        found = task_failed(scene, end)
        if found.mistake == "task-raises":
            found.mistake = "task-raises-after-save"
        return found
    signals = _senders(scene)
    if lost := not_awaited(scene, scene.code.calls("asend", "asend_robust"), EXPECTED):
        return lost
    direct = scene.code.calls("group_send")
    if not signals and (lost := not_awaited(scene, direct, EXPECTED)):
        return lost
    if end is None:
        return still_runs(scene, search) or unmet
    if not signals and (found := _of_model(scene)):
        return found
    task = search.events.first("enqueued")["task"].rpartition(".")[2]
    at = signals[0].at if signals else scene.code.tasks.get(task)
    seen = "the answer is saved and the task has ended, but it sent no signal"
    if signals:
        seen += f"; the line that would send it is {signals[0].at}"
    return Unmet("signal-not-sent", seen, expected=EXPECTED, at=at)


def _senders(scene: Scene) -> list[Call]:
    """Return the calls that send the project's own signals."""
    return [
        call
        for call in scene.code.calls("send", "send_robust")
        if any(call.target.endswith(name) for name in _signals(scene))
    ]


def _of_model(scene: Scene) -> Unmet | None:
    """Return the mistake if a handler of `post_save` was not called, or None."""
    connected = {e["receiver"] for e in scene.events.all("connected", process="worker")}
    for function, (name, place) in scene.code.receivers.items():
        if name.rpartition(".")[2] not in ("post_save", "pre_save"):
            continue
        if function.rpartition(".")[2] not in connected:
            file = place.rpartition(":")[0]
            seen = f"{function} listens to {name};"
            seen += f" {file} was not imported in the worker"
            return Unmet("handler-not-imported", seen, expected=EXPECTED, at=place)
        writes = r"\.(bulk_create|bulk_update|update)\("
        if at := scene.code.find(writes, "tasks.py") or scene.code.find(writes, ".py"):
            seen = f"{function} ({place}) listens to {name}, which was not sent"
            expected = f"{EXPECTED}; the line is: {scene.code.line(at)}"
            return Unmet("model-signal-not-sent", seen, expected=expected, at=at)
    return None


def _signals(scene: Scene) -> list[str]:
    """Return the names of the project's signals."""
    names = []
    for text in scene.code.texts(".py").values():
        names += re.findall(r"^(\w+)\s*=\s*(?:\w+\.)*Signal\(", text, re.M)
    return names


def _elsewhere(scene: Scene, sent: Event) -> Unmet:
    """Return the mistake that explains why the check's Redis got no message."""
    if sent["layer"] == "InMemoryChannelLayer":
        return Unmet(
            "layer-in-memory",
            f"group_send to {sent['group']} stayed in the worker's own memory",
            expected=EXPECTED,
            at=scene.code.find(r"InMemoryChannelLayer", ".py") or layers(scene),
        )
    # The observer redirects all addresses except Unix sockets to the check's Redis.
    return Unmet(
        "layer-elsewhere",
        f"{sent['layer']} has sent to {sent['group']}, but the Redis at REDIS_URL got"
        " nothing",
        expected=EXPECTED,
        at=layers(scene),
    )
