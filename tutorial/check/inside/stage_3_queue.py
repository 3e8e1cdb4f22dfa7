"""Stage 3, explained: where the message went, and what the view waited for."""

import re
from collections.abc import Iterator

from tutorial.check.scene import Scene
from tutorial.check.stages.stage_3_queue import EXPECTED
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event

# What kombu and redis-py raise where the broker does not answer.
NO_BROKER = re.compile(
    r"OperationalError|ConnectionError|ConnectionRefused|TimeoutError"
)


def explain(scene: Scene, unmet: Unmet) -> Unmet:
    """Why no message is in Redis, or why the view took so long."""
    search = scene.search
    event = search.events.first("enqueued", "enqueue failed")
    if unmet.mistake == "no-message" and not event and scene.observed:
        return not_called(scene)
    if unmet.mistake == "no-message" and event:
        unmet = _elsewhere(scene, unmet, event)
    if unmet.mistake == "view-waits":
        return next(_waits_for_result(scene), None) or _at(unmet, event)
    return _at(unmet, event)


def not_called(scene: Scene) -> Unmet:
    """The view has answered, and did not call the task."""
    calls = scene.code.calls("delay", "apply_async", "delay_on_commit")
    said = scene.search.words() or "nothing new"
    return Unmet(
        "task-not-called",
        f"status {scene.search.answer.status}, no task was called; the page says:"
        f" {said[:80]}",
        expected="an answer to the form, and a call of the task",
        at=calls[0].at if calls else scene.view,
    )


def _at(unmet: Unmet, event: Event | None) -> Unmet:
    unmet.at = unmet.at or (event.at if event else None)
    return unmet


def _elsewhere(scene: Scene, unmet: Unmet, event: Event) -> Unmet:
    if event["what"] == "enqueue failed":
        return no_broker(scene, event)
    if event["eager"]:
        seconds = scene.search.answer.seconds
        return Unmet(
            "eager-left-on",
            f"the task ran in the web process, for {seconds:.1f} s",
            expected=EXPECTED,
            at=scene.code.find(r"(?i)always_eager", ".py") or event.at,
        )
    if not event["broker"].startswith("redis"):
        return no_broker(scene, event)
    return Unmet(
        "message-elsewhere",
        f"the message went to {event['broker']}",
        expected=EXPECTED,
        at=scene.code.find(r"(?i)broker", ".py") or event.at,
    )


def no_broker(scene: Scene, event: Event) -> Unmet:
    """No broker took the message: Celery's default one, or an address without one."""
    broker = event["broker"]
    seen = f"the broker is {broker}"
    if event.get("error"):
        seen += f": {event.error}"
    if not broker.startswith("amqp"):
        at = scene.code.find(r"(?i)^\s*(\w*\.)*\w*broker_url\w*\s*=", ".py")
        at = at or scene.code.find(r"(?i)broker|REDIS_URL", ".py")
        return Unmet("broker-refuses", seen, expected=EXPECTED, at=at)
    if event["app"] in ("", "default"):
        return Unmet(
            "celery-app-not-imported",
            f"{seen} (Celery's default), and the task belongs to no app of the project",
            expected=EXPECTED,
            at=_package(scene),
        )
    apps = scene.code.calls("Celery")
    if len(apps) > 1:
        places = ", ".join(call.at for call in apps)
        return Unmet(
            "second-celery-app",
            f"{seen}; the task belongs to the app {event['app']!r}; apps are made in"
            f" {places}",
            expected=EXPECTED,
            at=next((call.at for call in apps if "tasks" in call.at), apps[-1].at),
        )
    return Unmet(
        "broker-not-read",
        f"{seen}, Celery's default",
        expected=EXPECTED,
        at=scene.code.find(r"config_from_object|Celery\(", ".py") or event.at,
    )


def _package(scene: Scene) -> str:
    """The package that should import the Celery app: the settings' own."""
    place = scene.code.find(r"\bCelery\(", ".py")
    if place and "/" in place:
        return f"{place.rpartition('/')[0]}/__init__.py:1"
    return place or "manage.py:1"


def findings(scene: Scene) -> Iterator[Unmet]:
    """The view waits for the task, or the task may come before its row."""
    yield from _waits_for_result(scene)
    event = scene.search.events.first("enqueued")
    if event and event.get("rows_in_transaction"):
        yield Unmet(
            "enqueued-before-commit",
            f"{event['task']} was called inside of a transaction that had written"
            f" {event['rows_in_transaction']} row(s) and was not committed yet",
            expected="a message that leaves after the commit",
            at=event.at,
        )


def _waits_for_result(scene: Scene) -> Iterator[Unmet]:
    search = scene.search
    if waits := search.events.first("waits for result", process="web"):
        yield Unmet(
            "waits-for-result",
            f"the view waited {search.answer.seconds:.1f} s for the task's result",
            expected=EXPECTED,
            at=waits.at,
        )
