"""Finds where a search is stuck, and why, as far as this can be observed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tutorial.check.code import Code
from tutorial.check.handlers import why_no_handler
from tutorial.check.mistakes import mistakes
from tutorial.check.report import ADDRESS
from tutorial.live_map.hops import hidden, said, sentence
from tutorial.live_map.journey import Journey
from tutorial.observer.events import Event
from tutorial.project.steps import steps

PATIENCE = 2.0  # seconds without progress after which a search is judged

NO_BROKER = re.compile(r"Operational|Connection|Timeout")


@dataclass
class Process:
    """A process that `run` started for the project."""

    name: str
    role: str  # "web", "worker", or the name of another one
    state: str = "starting"  # or "running", "ended"
    pid: int = 0
    since: float = 0.0  # in seconds since 1970
    starts: int = 1
    reloads: int = 0  # how many times it started a new child
    line: str = ""  # the last line that it printed
    is_older: bool = False  # whether its code is older than the files


@dataclass
class World:
    """What is known about the project besides its searches."""

    step: int = 0  # 1 to 7; 8 for final; 0 for a learner's own folder
    processes: list[Process] = field(default_factory=list)
    workers: dict[int, Event] = field(default_factory=dict)  # "worker ready", by pid
    dead: set[int] = field(default_factory=set)  # pids of workers that have ended
    unknown: list[Event] = field(default_factory=list)  # tasks that no worker knows
    running: dict[str, float] = field(default_factory=dict)  # start times, by task id
    receivers: list[Event] = field(default_factory=list)  # that were ever connected
    folder: Path | None = None  # of the project
    queues: dict[str, str] = field(default_factory=dict)  # of waiting messages, by id
    redis_error: str = ""
    had_sockets: bool = False  # whether a socket was ever opened
    had_groups: bool = False  # whether a socket ever joined a group
    groups: list[str] = field(default_factory=list)  # that open sockets have joined

    def of(self, role: str) -> list[Process]:
        """The processes of the role."""
        return [process for process in self.processes if process.role == role]


@dataclass
class Halt:
    """The stage at which a search is stuck, waits or has ended, and the reason."""

    stage: int
    text: str  # what was seen
    mistake: str = ""  # its id in the catalogue
    at: str | None = None
    state: str = "stuck"
    advice: str = ""  # replaces the fix in the catalogue

    def data(self) -> dict[str, Any]:
        """The halt as data for the page, with the texts of the catalogue."""
        found = mistakes().get(self.mistake)
        return {
            "stage": self.stage,
            "title": found.title if found else "",
            "text": hidden(self.text),
            "cause": found.cause if found else "",
            "fix": self.advice or (found.fix if found else ""),
            "at": self.at,
            "mistake": self.mistake,
            "page": f"{ADDRESS}#{self.mistake}" if found else "",
        }


def judge(journey: Journey, world: World, now: float) -> None:
    """Set the state and the halt of the journey."""
    halt = _ended(journey) or _halted(journey, world, now)
    is_older = any(process.is_older for process in world.of("worker"))
    if halt and is_older and halt.stage in (4, 5) and halt.state in ("stuck", "failed"):
        seen = f"The worker runs older code than your files contain. {halt.text}"
        halt = Halt(halt.stage, seen, "old-code-runs", halt.at, halt.state)
    if halt and halt.stage == 7 and world.step == 6:
        seen = "The frame reached the browser, but the page does not change."
        halt = _as_the_step_should(Halt(7, seen), world)
    journey.halt = halt.data() if halt and halt.text else None
    journey.state = halt.state if halt else "travelling"


def _ended(journey: Journey) -> Halt | None:
    """The halt of a search that has ended, or None."""
    cancelled = journey.latest("updated")
    if cancelled and cancelled["values"].get("status") == "cancelled":
        return Halt(4, "", state="cancelled")
    sent = journey.latest("group_send")
    if sent is None or not _frames(journey, sent):
        return None
    signal, done = journey.latest("signal"), journey.latest("task done")
    if signal:
        return Halt(7, "", state="arrived") if sent["time"] >= signal["time"] else None
    if done and sent["time"] <= done["time"]:
        return Halt(7, "", state="arrived")
    return None


def _frames(journey: Journey, sent: Event) -> list[Event]:
    """The frames that were sent because of the message to the group."""
    return [
        event
        for event in journey.events
        if event["what"] == "consumer sends"
        and event["type"] == "websocket.send"
        and event["text"]
        and event.get("heard") == sent.get("digest")
    ]


def _halted(journey: Journey, world: World, now: float) -> Halt | None:
    for look in (_in_view, _in_queue, _in_worker, _in_signal, _in_consumer):
        for halt in look(journey, world, now - journey.last):
            return _as_the_step_should(halt, world)
    if now - journey.last > PATIENCE and journey.latest("consumer sends"):
        return Halt(7, "", state="arrived")
    return None


def _as_the_step_should(halt: Halt, world: World) -> Halt:
    """The halt with the state "ends" if the step is supposed to end at that stage."""
    is_end = halt.stage > world.step or (halt.mistake, world.step) in ENDS
    if not 1 <= world.step < len(steps()) or not is_end:
        return halt
    here, following = steps()[world.step - 1], steps()[world.step]
    component = re.sub("^The ", "the ", following.component)
    text = (
        f"This is as far as step {here.name} goes. {halt.text} Step {following.name}"
        f" adds what comes next: {component}."
    )
    # Only a message in a queue counts as waiting.
    state = "waiting" if halt.mistake == "no-worker" else "ends"
    return Halt(halt.stage, text, state=state)


# The mistakes at which the step of that number is supposed to end.
ENDS = {
    ("no-view-takes-post", 1),
    ("eager-left-on", 2),
    ("no-worker", 3),
}

Halts = Iterator[Halt]


def _in_view(journey: Journey, world: World, quiet: float) -> Halts:
    if journey.ids and not _is_eager(journey):
        return
    response = journey.latest("response")
    if _is_eager(journey):
        yield from _in_eager_mode(journey, response)
        return
    if direct := journey.latest("called directly"):
        text = f"The view called {direct['task']} itself, without `.delay`."
        yield Halt(2, text, "called-directly", direct.at)
    if failed := journey.latest("enqueue failed"):
        mistake = "broker-refuses" if NO_BROKER.search(failed.error) else ""
        if failed["broker"].startswith("amqp"):
            has_app = failed["app"] not in ("", "default")
            mistake = "broker-not-read" if has_app else "celery-app-not-imported"
        error = said(failed.error)
        text = f"The message was not sent to the broker {failed['broker']}: {error}."
        yield Halt(3, text, mistake or "not-serializable", failed.at, "failed")
    if failed := journey.latest("request failed"):
        text = f"The view raised {said(failed.error)}."
        yield Halt(2, text, "view-raises", failed.at, "failed")
    if refused := journey.latest("form refused"):
        words = "; ".join(refused["errors"].values())
        text = f"{refused['form']} refused the question: {words}"
        yield Halt(2, text, at=refused.at, state="refused")
    if response is None:
        if quiet > PATIENCE and journey.first("request"):
            text = "The view has neither responded nor called a task yet."
            yield Halt(2, text, "view-waits")
        return
    yield from _by_status(response, quiet)


def _is_eager(journey: Journey) -> bool:
    called = journey.latest("enqueuing", "enqueued")
    return bool(called and called["eager"])


def _in_eager_mode(journey: Journey, response: Event | None) -> Halts:
    if failed := journey.latest("task failed"):
        text = f"The task raised {failed.error}, inside the view."
        yield Halt(2, text, "task-raises", failed.at, "failed")
    if response is None:
        return  # the task still runs
    seconds = f"{response['seconds']:.1f} s"
    text = (
        f"The task ran inside the view (eager mode). The visitor waited {seconds}."
        " No message went through a queue."
    )
    yield Halt(3, text, "eager-left-on")


def _by_status(response: Event, quiet: float) -> Halts:
    status, path = response["status"], response["path"]
    seen = f"The response has status {status}, and no task was called."
    if status == 405:
        text = f"No view accepts a POST at {path}: status 405."
        yield Halt(2, text, "no-view-takes-post", state="failed")
    elif status == 403:
        yield Halt(2, seen, "csrf-refused", state="failed")
    elif status == 404:
        text = f"There is no page at {path}: status 404."
        yield Halt(2, text, "form-action", state="failed")
    elif status >= 500:
        yield Halt(2, seen, "view-raises", state="failed")
    elif status >= 400:
        yield Halt(2, seen, state="refused")
    elif quiet > PATIENCE:
        yield Halt(2, seen, "task-not-called")


def _in_queue(journey: Journey, world: World, quiet: float) -> Halts:
    """Yield a halt if the message was sent, but no worker has started its task."""
    if not journey.ids or journey.latest("task started") or quiet <= PATIENCE:
        return
    called = journey.latest("enqueued")
    if called is None:
        return
    task, at = called["task"], called.at
    queue = world.queues.get(journey.ids[-1], "")
    unknown = [one for one in world.unknown if one["task"] == task]
    if unknown and unknown[-1]["time"] >= called["time"]:
        known = ", ".join(_tasks(world)) or "none"
        text = f"The worker does not know the task {task}. It knows: {known}."
        yield Halt(4, text, "task-not-registered", at)
        return
    workers = world.of("worker")
    waits = f"The message waits in Redis, in the list {queue}." if queue else ""
    if not workers:
        text = f"{waits} No worker takes it.".strip()
        yield Halt(3, text, "no-worker")
        return
    if all(worker.state == "ended" for worker in workers):
        line = workers[0].line
        text = f"{waits} The worker has ended: it {line}".strip()
        yield Halt(4, text, "" if "was killed" in line else "worker-ends")
        return
    if not world.workers:
        text = f"{waits} The worker has not said that it is ready.".strip()
        yield Halt(4, text, "worker-not-ready")
        return
    brokers = {worker["broker"] for worker in world.workers.values()}
    if called["broker"] not in brokers:
        text = (
            f"The view sends to {called['broker']}, but the worker uses"
            f" {', '.join(sorted(brokers))}."
        )
        yield Halt(4, text, "other-broker", at)
        return
    heard = sorted({name for one in world.workers.values() for name in one["queues"]})
    if queue and queue not in heard:
        text = (
            f"The message is in the list {queue}, but the worker listens to"
            f" {', '.join(heard)}. The line that sends it is {at}."
        )
        yield Halt(4, text, "other-queue")
        return
    if journey.latest("task received"):
        yield from _received_only(world)
        return
    if world.running:
        text = f"{waits} The worker is busy with {_count(world.running, 'task')}."
        yield Halt(4, text.strip(), state="waiting")
        return
    text = waits or "The message is in no list of Redis, but no task has started."
    yield Halt(4, text, "message-not-taken" if queue else "message-elsewhere", at)


def _tasks(world: World) -> list[str]:
    return sorted({name for one in world.workers.values() for name in one["tasks"]})


def _count(things: Any, name: str) -> str:
    return f"{len(things)} {name}{'s' * (len(things) != 1)}"


def _received_only(world: World) -> Halts:
    if world.running:
        text = (
            "The worker has taken the message, but is busy with"
            f" {_count(world.running, 'other task')}."
        )
        yield Halt(4, text, state="waiting")
        return
    text = "The worker has taken the message, but has not started the task."
    yield Halt(4, text, "task-not-started")


def _in_worker(journey: Journey, world: World, quiet: float) -> Halts:
    """Yield a halt if the task has started, but no signal or message was sent yet."""
    started = journey.latest("task started")
    if started is None or _is_eager(journey):
        return
    failed, retried = journey.latest("task failed"), journey.latest("task retried")
    announced = journey.latest("signal", "group_send")
    error = journey.latest("openai")
    if failed and not (retried and retried["time"] >= failed["time"]):
        if journey.latest("handler failed", "group_send failed"):
            return  # the task failed because of that, which is judged elsewhere
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
            text = f"The task has run for {quiet:.0f} s without a sign of progress."
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
    text = "The answer is saved, but no signal and no group message was sent."
    yield Halt(5, text, "signal-not-sent", started.at)


def _mistake_of(failed: Event, journey: Journey, is_announced: bool) -> str:
    """The id of the mistake behind the exception of a task."""
    if is_announced:
        return "task-raises-after-save"
    if re.search(r"'(Response|ChatCompletion)\w*' object", failed.error):
        return "wrong-response-field"
    if re.search(r"no such (table|column)", failed.error):
        return "migration-not-applied"
    called = journey.latest("enqueued")
    if called and None in called["arguments"]:
        return "none-in-message"
    return "task-raises"


def _in_signal(journey: Journey, world: World, quiet: float) -> Halts:
    """Yield a halt if the signal was sent, but no message to a group followed."""
    signal, sent = journey.latest("signal"), journey.latest("group_send")
    failed = journey.latest("group_send failed")
    if failed and not (sent and sent["time"] > failed["time"]):
        words = said(f"{failed['error']}: {failed.get('reason', '')}")
        text = f"group_send to {failed['group']} raised {words}."
        mistake = "layer-refuses"
        if failed["error"] == "TypeError":
            is_name = "Group name" in words
            mistake = "group-name-refused" if is_name else "message-not-serializable"
        yield Halt(5, text, mistake, failed.at, "failed")
        return
    if failed := journey.latest("handler failed"):
        if failed["error"] == "NotAwaited":
            text = "The handler is a coroutine that is never awaited."
            yield Halt(5, text, "async-mismatch", failed.at, "failed")
            return
        text = f"The handler raised {said(failed.error)}."
        advice = "Correct the line that is named here. Then start the worker again."
        if failed["error"] == "TypeError" and "argument" in failed.error:
            advice = ""
        yield Halt(5, text, "handler-raises", failed.at, "failed", advice)
        return
    if signal is None or (sent and sent["time"] >= signal["time"]):
        return
    if signal["receivers"] == 0:
        yield _no_handler(journey, signal, world)
        return
    if quiet > PATIENCE:
        handlers = ", ".join(signal.get("handlers", ()))
        text = f"{handlers} got {signal['name']}, but sent nothing to a group."
        yield Halt(5, text, "handler-does-not-send", signal.at)


def _no_handler(journey: Journey, signal: Event, world: World) -> Halt:
    """The halt of a search whose signal has no handler."""
    key = f"signal {signal['time']}"
    # The code is read once, when the search gets stuck: the learner may change it.
    if key not in journey.explained:
        here = [one for one in world.receivers if one["pid"] == signal["pid"]]
        journey.explained[key] = why_no_handler(Code(world.folder), here, signal)
    found = journey.explained[key]
    return Halt(5, sentence(found.seen), found.mistake, found.at)


def _in_consumer(journey: Journey, world: World, quiet: float) -> Halts:
    """Yield a halt if a message was sent to a group, but no frame followed."""
    sent = journey.latest("group_send")
    if sent is None:
        return
    got = [
        event
        for event in journey.events
        if event["what"] == "consumer got" and event.get("heard") == sent.get("digest")
    ]
    if missing := [event for event in got if not event["has_method"]]:
        name, kind = missing[0]["consumer"], missing[0]["type"]
        text = f"{name} has no method for the type {kind}."
        yield Halt(6, text, "wrong-type", sent.at)
        return
    if failed := journey.latest("consumer failed", "socket failed"):
        text = f"The consumer raised {said(failed.error)}."
        yield Halt(6, text, "consumer-raises", failed.at, "failed")
        return
    if quiet <= PATIENCE:
        return
    if not got:
        yield from _nobody_hears(sent, world)
    elif not _frames(journey, sent):
        text = f"{got[0]['consumer']} got the message, but sent no frame."
        yield Halt(6, text, "frame-not-sent", got[0].at)


def _nobody_hears(sent: Event, world: World) -> Halts:
    group = sent["group"]
    if sent["layer"] == "InMemoryChannelLayer":
        text = (
            f"The message for {group} never leaves its process: the channel layer is in"
            " memory."
        )
        yield Halt(5, text, "layer-in-memory", sent.at)
        return
    nobody = f"The message for the group {group} reached nobody:"
    if not world.had_sockets:
        text = f"{nobody} no WebSocket has been opened since the project started."
        yield Halt(6, text, "no-websocket-protocol")
    elif not world.had_groups:
        text = f"{nobody} the consumer has joined no group."
        yield Halt(6, text, "no-group-add")
    elif group in world.groups:
        text = f"The group {group} has sockets, but no consumer got the message."
        yield Halt(6, text, "layers-differ")
    elif world.groups:
        text = f"{nobody} the open sockets have joined {', '.join(world.groups[:3])}."
        yield Halt(
            6, f"{text} The line that sends it is {sent.at}.", "group-names-differ"
        )
    else:
        text = f"{nobody} no page of this visitor is open. The answer is saved."
        yield Halt(6, text, state="undelivered")
