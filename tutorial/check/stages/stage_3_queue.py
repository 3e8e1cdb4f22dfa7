"""Stage 3 · queue: the question is a message in Redis; the view waits for nobody."""

import json
import re
from dataclasses import dataclass

from tutorial.check.scene import Scene, Search
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event
from tutorial.runtime.waiting import wait_for

# Seconds: more than a busy machine needs for a form, less than a task that sleeps.
AT_ONCE = 2.0

EXPECTED = "a message in Redis, and an answer at once"


@dataclass(frozen=True)
class Message:
    """A message that entered Redis: in which database, on which list."""

    database: int
    queue: str


def check(scene: Scene) -> str:
    """The message is in Redis, holds the question, and the view answered at once."""
    search = scene.search
    event = search.events.first("enqueued", "enqueue failed")
    if event["what"] == "enqueue failed":
        raise no_broker(scene, event)
    if event["eager"]:
        raise Unmet(
            "eager-left-on",
            f"the task ran in the web process, for {search.answer.seconds:.1f} s",
            expected=EXPECTED,
            at=scene.code.find(r"(?i)always_eager", ".py") or event.at,
        )
    message = find_message(scene, search, event)
    if message is None:
        if not event["broker"].startswith("redis"):
            raise no_broker(scene, event)
        raise Unmet(
            "message-elsewhere",
            f"the message went to {event['broker']}",
            expected=EXPECTED,
            at=scene.code.find(r"(?i)broker", ".py") or event.at,
        )
    if waits := search.events.first("waits for result", process="web"):
        raise Unmet(
            "waits-for-result",
            f"the view waited {search.answer.seconds:.1f} s for the task's result",
            expected=EXPECTED,
            at=waits.at,
        )
    if search.answer.seconds > AT_ONCE:
        raise Unmet(
            "view-waits",
            f"the view took {search.answer.seconds:.1f} s to answer",
            expected=EXPECTED,
            at=event.at,
        )
    _check_transaction(scene, search, event)
    _check_arguments(scene, search, event)
    return (
        f"a message for {event['task']} in Redis (database {message.database}, list"
        f" {message.queue}), after {search.answer.seconds:.3f} s"
    )


def find_message(scene: Scene, search: Search, event: Event) -> Message | None:
    """Where Redis got the message of the task, as Redis itself tells it."""
    found = wait_for(lambda: scene.redis.since(search.mark, "LPUSH", event["id"]), 2)
    if not found:
        return None
    return Message(found[0].database, found[0].text.split()[1])


def no_broker(scene: Scene, event: Event) -> Unmet:
    """No broker took the message: Celery's default one, or an address without one."""
    broker = event["broker"]
    seen = (
        f"the broker is {broker}: {event.error}"
        if event.get("error")
        else (f"the broker is {broker}")
    )
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


def _check_transaction(scene: Scene, search: Search, event: Event) -> None:
    """The message leaves after the rows that it speaks of are there for others."""
    if event.get("rows_in_transaction"):
        raise Unmet(
            "enqueued-before-commit",
            f"{event['task']} was called inside of a transaction that had written"
            f" {event['rows_in_transaction']} row(s) and was not committed yet",
            expected="a message that leaves after the commit",
            at=event.at,
        )


def _check_arguments(scene: Scene, search: Search, event: Event) -> None:
    """The message, or a row saved before it, holds the question."""
    texts = json.dumps(event["arguments"], ensure_ascii=False)
    rows = search.events.all("saved", process="web")
    if search.question in texts or any(
        search.question in row["row"].values() for row in rows
    ):
        return
    if re.search(r"\d", texts) and scene.number > 3 and rows:
        return
    raise Unmet(
        "question-not-in-message",
        f"the message's arguments are {texts[:120]}",
        expected=f"the question “{search.question}” among them",
        at=event.at,
    )
