"""Explains stage 3: where the message went, and what the view waited for."""

import re
from collections.abc import Iterator

from tutorial.check.code import Call
from tutorial.check.scene import Scene
from tutorial.check.stages.stage_3_queue import EXPECTED
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event

# The exceptions that kombu and redis-py raise if the broker does not answer.
NO_BROKER = re.compile(
    r"OperationalError|ConnectionError|ConnectionRefused|TimeoutError"
)


def explain(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake that explains a slow view, or a message missing from Redis."""
    search = scene.search
    protocol = scene.code.find(r"(?i)task_protocol\W*[=:]\s*1\b", ".py")
    if unmet.mistake == "command-fails" and protocol:
        seen = f"{unmet.seen}; the line is: {scene.code.line(protocol)}"
        expected = unmet.expected
        return Unmet("old-task-protocol", seen, expected=expected, at=protocol)
    if unmet.mistake == "command-fails":
        if "it prints" in unmet.seen:
            unmet.at = scene.code.find(r"\blrange\(", "show_queue.py")
        return unmet
    event = search.events.first("enqueued", "enqueue failed")
    if unmet.mistake == "message-elsewhere" and not event and scene.observed:
        return not_called(scene)
    if unmet.mistake == "message-elsewhere" and event:
        unmet = _elsewhere(scene, unmet, event)
    if unmet.mistake == "view-waits":
        return next(_waits_for_result(scene), None) or _at(unmet, event)
    return _at(unmet, event)


def not_called(scene: Scene) -> Unmet:
    """Return the mistake to report if the view answered without calling the task."""
    calls = scene.code.calls("delay", "apply_async", "delay_on_commit")
    if refused := scene.search.own_events.first("form refused"):
        return Unmet(
            "form-refuses-question",
            f"status {scene.search.answer.status}, and {words_of_refusal(refused)}",
            expected="a good question that is accepted",
            at=refused.at,
        )
    lost = scene.code.find(r"^(?!.*\bawait\b).*sync_to_async\(\S+\.delay", ".py")
    if lost:
        return Unmet(
            "not-awaited",
            f"status {scene.search.answer.status}, and no task was called; the line is:"
            f" {scene.code.line(lost)}",
            expected="an answer to the form, and a call to the task",
            at=lost,
            stage=2,
        )
    said = scene.search.words() or "nothing new"
    return Unmet(
        "task-not-called",
        f"status {scene.search.answer.status}, no task was called; the page says:"
        f" {said[:80]}",
        expected="an answer to the form, and a call to the task",
        at=calls[0].at if calls else scene.view,
    )


def words_of_refusal(refused: Event) -> str:
    """Return the errors that the project's form found in the question, as text."""
    errors = "; ".join(f"{name}: {words}" for name, words in refused["errors"].items())
    return f"{refused['form']} is not valid: {errors}"


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
    if event["broker"].startswith("amqp"):
        return no_broker(scene, event)
    if event["broker"].startswith("redis://"):
        # The observer redirects every Redis address to the Redis of the check.
        return _unroutable(scene, event)
    return Unmet(
        "message-elsewhere",
        f"the message went to {event['broker']}",
        expected=EXPECTED,
        at=_address(scene) or event.at,
    )


def _unroutable(scene: Scene, event: Event) -> Unmet:
    """Return the mistake to report if Celery found no queue for the message."""
    at = (
        scene.code.find(r"\brouting_key\b", ".py")
        or scene.code.find(r"(?i)task_(routes|queues|default_exchange)", ".py")
        or event.at
    )
    return Unmet(
        "message-unroutable",
        f"Celery has sent the message for {event['task']}, but no queue in Redis got"
        f" it; the line is: {scene.code.line(at)}",
        expected=EXPECTED,
        at=at,
    )


def no_broker(scene: Scene, event: Event) -> Unmet:
    """Return the mistake that explains a message that no broker took."""
    broker = event["broker"]
    seen = f"the broker is {broker}"
    if event.get("error"):
        seen += f": {event.error}"
    apps = scene.code.calls("Celery")
    second = _second_app(scene, event, apps)
    if not broker.startswith("amqp") and second is None:
        return broker_refuses(scene, seen)
    if event["app"] in ("", "default"):
        return Unmet(
            "celery-app-not-imported",
            f"{seen} (Celery's default), and the task belongs to no app of the project",
            expected=EXPECTED,
            at=_package(scene),
        )
    if len(apps) > 1:
        places = ", ".join(call.at for call in apps)
        return Unmet(
            "second-celery-app",
            f"{seen}; the task belongs to the app {event['app']!r}; apps are created in"
            f" {places}",
            expected=EXPECTED,
            at=second or apps[-1].at,
        )
    if scheme := _without_scheme(scene):
        return broker_refuses(scene, f"{seen}; the address {scheme} has no scheme")
    return Unmet(
        "broker-not-read",
        f"{seen}, Celery's default",
        expected=EXPECTED,
        at=_without_broker(scene) or event.at,
    )


def broker_refuses(scene: Scene, seen: str) -> Unmet:
    """Return the mistake to report if no Redis answers at the broker's address."""
    return Unmet("broker-refuses", seen, expected=EXPECTED, at=_address(scene))


def _address(scene: Scene) -> str | None:
    """Return the place where the broker's address is set or read, or None."""
    at = scene.code.find(r"(?i)^\s*(\w*\.)*\w*broker_url\w*\s*=", ".py")
    return at or scene.code.find(r"(?i)broker|REDIS_URL", ".py")


def _without_scheme(scene: Scene) -> str:
    """Return the broker's address in the settings, if it has no scheme, or else "".

    An address with a scheme begins with `redis://`, for example.
    """
    settings = scene.survey.get("settings", {}).get("celery", {})
    address = settings.get("CELERY_BROKER_URL", "")
    return address if address not in ("", "None") and "://" not in address else ""


def _second_app(scene: Scene, event: Event, apps: list[Call]) -> str | None:
    """Return the place where the task's app is created, or None.

    The place is returned only if this app does not read the settings, but another app
    does.
    """
    readers = {
        call.at.rpartition(":")[0] for call in scene.code.calls("config_from_object")
    }
    if len(apps) < 2:
        return None
    others = [call for call in apps if call.at.rpartition(":")[0] not in readers]
    own = [call for call in others if call.arguments[:1] == (repr(event["app"]),)]
    return own[0].at if own and len(others) < len(apps) else None


def _without_broker(scene: Scene) -> str | None:
    """Return the place where the broker's address is missing or not read, or None."""
    is_set = scene.code.find(r"^CELERY_BROKER_URL\b", ".py")
    other = scene.code.find(r"^CELERY_\w+\s*=", ".py")
    reads = scene.code.find(r"config_from_object|Celery\(", ".py")
    return reads if is_set else other or reads


def _package(scene: Scene) -> str:
    """Return the place of the `__init__.py` that should import the Celery app.

    The file is in the folder that contains the Celery app.
    """
    place = scene.code.find(r"\bCelery\(", ".py")
    if place and "/" in place:
        return f"{place.rpartition('/')[0]}/__init__.py:1"
    return place or "manage.py:1"


def findings(scene: Scene) -> Iterator[Unmet]:
    """Yield a finding if the view waits for the task, or calls it before the commit."""
    yield from _waits_for_result(scene)
    event = scene.search.events.first("enqueued")
    if event and event.get("rows_in_transaction"):
        yield Unmet(
            "enqueued-before-commit",
            f"{event['task']} was called inside a transaction that had written"
            f" {event['rows_in_transaction']} row(s) and was not committed yet",
            expected="a message that is sent after the commit",
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
