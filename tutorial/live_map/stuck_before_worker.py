"""Finds out why a search gets no further than the view or the queue."""

import re
from typing import Any

from tutorial.live_map.hops import said
from tutorial.live_map.journey import Journey
from tutorial.live_map.world import PATIENCE, Halt, Halts, World
from tutorial.observer.events import Event

# The possible mistakes for the statuses 403 and 404, each with its distinctive sign.
FORBIDDEN = (
    ("csrf-token-missing", "The terminal of web says: CSRF token missing."),
    (
        "csrf-missing-in-fetch",
        "The script uses `fetch`, and the terminal of web says: CSRF token missing.",
    ),
    (
        "csrf-refused",
        "The terminal of web gives another reason, such as: CSRF token incorrect.",
    ),
)
NOT_FOUND = (
    ("form-action", "With `DEBUG`, the page lists the addresses, but none matches."),
    ("view-raises", "With `DEBUG`, the page names the view that has raised `Http404`."),
)
# The possible mistakes if no list of Redis contains the message, each with the sign
# that distinguishes it from the others.
NOT_IN_REDIS = (
    (
        "message-unroutable",
        "The settings define custom queues, routes or exchanges.",
    ),
    ("message-elsewhere", "The view does not send to the address in `REDIS_URL`."),
)
NO_BROKER = re.compile(r"Operational|Connection|Timeout")


def in_view(journey: Journey, world: World, quiet: float) -> Halts:
    """Yield a halt if the view got the request but has sent no message.

    A halt says where a search gets no further, and why.
    """
    if journey.ids and not is_eager(journey):
        return
    response = journey.latest("response")
    if is_eager(journey):
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
        yield Halt(3, text, mistake or _of_call(failed), failed.at, "failed")
    if failed := journey.latest("request failed"):
        text = f"The view raised {said(failed.error)}."
        is_plain = "'function' object has no attribute 'delay'" in failed.error
        mistake = "no-task-decorator" if is_plain else "view-raises"
        yield Halt(2, text, mistake, failed.at, "failed")
    if refused := journey.latest("form refused"):
        words = "; ".join(refused["errors"].values())
        text = f"{refused['form']} refused the question: {words}"
        yield Halt(2, text, at=refused.at, state="refused")
    if response is None:
        if quiet > PATIENCE and journey.first("request"):
            if called := journey.latest("enqueuing"):
                text = "The view has called the task, but the broker has not answered."
                yield Halt(3, text, "broker-refuses", called.at)
                return
            text = "The view has neither responded nor called a task yet."
            yield Halt(2, text, "view-waits")
        return
    yield from _by_status(response, quiet)


def _of_call(failed: Event) -> str:
    """Return the id of the mistake that made the call to the task fail, or ""."""
    if re.search(r"serializ|EncodeError", failed.error):
        return "not-serializable"
    return "wrong-arguments" if "argument" in failed.error else ""


def is_eager(journey: Journey) -> bool:
    """Whether the task was called in eager mode."""
    called = journey.latest("enqueuing", "enqueued")
    return bool(called and called["eager"])


def _in_eager_mode(journey: Journey, response: Event | None) -> Halts:
    if failed := journey.latest("task failed"):
        text = f"The task raised {failed.error}, inside the view."
        yield Halt(2, text, "task-raises", failed.at, "failed")
    if response is None:
        return  # the task is still running
    seconds = f"{response['seconds']:.1f} s"
    text = (
        f"The task ran inside the view (eager mode). The visitor waited {seconds}."
        " No message went through a queue."
    )
    yield Halt(3, text, "eager-left-on")


def _by_status(response: Event, quiet: float) -> Halts:
    status, path = response["status"], response["path"]
    seen = f"The response to POST {path} has status {status}, and no task was called."
    if status == 405:
        text = f"No view accepts a POST at {path}: status 405."
        yield Halt(2, text, "no-view-takes-post", state="failed")
    elif status == 403:
        yield Halt(2, seen, state="failed", others=FORBIDDEN)
    elif status == 404:
        yield Halt(2, seen, state="failed", others=NOT_FOUND)
    elif status >= 500:
        yield Halt(2, seen, "view-raises", state="failed")
    elif status >= 400:
        yield Halt(2, seen, state="refused")
    elif quiet > PATIENCE:
        yield Halt(2, seen, "task-not-called")


def in_queue(journey: Journey, world: World, quiet: float) -> Halts:
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
    if waits:
        yield Halt(4, waits, "message-not-taken", at)
        return
    text = "The message is in no list of Redis, but no task has started."
    text += f" The view sends to {called['broker']}."
    if not called["broker"].startswith("redis"):
        yield Halt(4, text, "message-elsewhere", at)
        return
    yield Halt(4, text, at=at, others=NOT_IN_REDIS)


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
