"""Explains stage 4: what the worker, the task and the API's client did."""

import difflib
import re
from collections.abc import Iterator

from tutorial.check.inside.stage_0_start import (
    NOT_MIGRATED,
    of_a_package,
    replaced_lines,
    stage_of,
)
from tutorial.check.inside.stage_1_template import not_migrated, page_error
from tutorial.check.inside.stage_3_queue import words_of_refusal
from tutorial.check.scene import Scene, Search, first_words, squeeze
from tutorial.check.stages.stage_4_worker import does_not_end
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event

# The default address of the API's client.
REAL_API = "https://api.openai.com/v1/"


def explain(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake that explains a lost message, request or answer."""
    if unmet.mistake == "page-raises":
        return page_error(scene, unmet, scene.stage_events)
    if unmet.mistake == "form-refuses-question":
        if refused := scene.stage_events.all("form refused"):
            unmet.seen, unmet.at = words_of_refusal(refused[-1]), refused[-1].at
        unmet.at = unmet.at or scene.view
        return unmet
    if unmet.mistake == "burst-fails":
        return _burst(scene, unmet)
    if unmet.mistake == "worker-ends":
        return _worker_ends(scene, unmet)
    if unmet.mistake == "worker-not-ready":
        return _worker_not_ready(scene, unmet)
    if unmet.mistake in ("no-worker", "message-not-taken"):
        for lost in replaced_lines(scene, "worker"):
            lost.seen += f"; {unmet.seen}"
            lost.stage = 4
            return lost
    if unmet.mistake == "message-not-taken":
        return _not_taken(scene, unmet)
    if unmet.mistake.startswith("api-") and unmet.mistake != "api-error-kept-from-user":
        unmet = (
            _unknown_task(scene, unmet)
            or _other_api(scene, unmet)
            or _no_answer(scene, unmet)
        )
    if unmet.mistake == "not-saved" and (found := _unknown_task(scene, unmet)):
        return found
    if unmet.mistake in ("not-saved", "answer-not-on-page"):
        return _not_shown(scene, unmet)
    if unmet.mistake == "api-error-kept-from-user":
        end = scene.end_of(scene.second)
        unmet.at = end.at if end else None
        unmet.at = unmet.at or scene.code.find(r"except .*(OpenAI|API)", ".py")
    if unmet.mistake == "others-see-it":
        unmet.at = scene.code.find(r"objects\.(all|order_by|filter)\(", ".py")
        unmet.at = unmet.at or scene.view
    if unmet.mistake != "no-worker":
        unmet.at = unmet.at or _task(scene)
    return unmet


def _burst(scene: Scene, unmet: Unmet) -> Unmet:
    failed = scene.burst.first("task failed", "handler failed", "request failed")
    if failed:
        unmet.seen += f"; {failed['what']}: {failed.error}"
    pool = scene.code.find(r"\bcelery\b.*(gevent|eventlet)", "")
    unmet.at = pool or (failed.at if failed else None)
    return unmet


def _task(scene: Scene) -> str | None:
    """Return the place of the task's function, or None."""
    return scene.code.tasks.get(scene.message.task.rpartition(".")[2])


def _worker_ends(scene: Scene, unmet: Unmet) -> Unmet:
    module = re.search(r"No module named '([\w.]+)'", unmet.seen)
    app = scene.code.find(r"=\s*(celery\.)?Celery\(", ".py")
    if "settings are not configured" in unmet.seen and app:
        unmet.at = app
        return unmet
    if "Unable to load celery application" in unmet.seen and app:
        unmet.seen += f"; the project makes its Celery app in {app}"
    if pool := re.search(r"No module named '(gevent|eventlet)", unmet.seen):
        unmet.at = scene.code.find(rf"\bcelery\b.*{pool[1]}", "")
        return Unmet("package-missing", unmet.seen, at=unmet.at, stage=4)
    named = module and scene.code.find(rf"[\"']{re.escape(module[1])}\b", ".py")
    place = scene.place_in(scene.lines("worker"))
    unmet.at = place or named
    unmet.stage = stage_of(scene.code, place)
    return unmet


def _worker_not_ready(scene: Scene, unmet: Unmet) -> Unmet:
    text = "\n".join(scene.lines("worker"))
    if refused := re.search(r"Cannot connect to (\S+?):? ", text):
        mistake = "broker-not-read" if "amqp" in refused[1] else "broker-refuses"
        seen = f"the worker cannot connect to {refused[1]}"
        at = scene.code.find(r"config_from_object|(?i:broker)", ".py")
        return Unmet(mistake, seen, expected=unmet.expected, at=at)
    return unmet


def _not_taken(scene: Scene, unmet: Unmet) -> Unmet:
    event = scene.search.events.first("enqueued")
    workers = scene.events.all("worker ready")
    if event is None or not workers:
        return unmet
    worker = workers[0]
    queues = sorted({queue for one in workers for queue in one["queues"]})
    if worker["broker"] != event["broker"]:
        return Unmet(
            "other-broker",
            f"the view sends to {event['broker']}, but the worker reads from"
            f" {worker['broker']}",
            expected=unmet.expected,
            at=scene.code.find(r"\bcelery\b.*(--broker|-b\b)", "")
            or scene.code.find(r"(?i)broker", ".py"),
        )
    is_printed = any(" ready." in line for line in scene.lines("worker"))
    handler = scene.code.find(r"\bworker_ready\b(?!.*\bimport\b)", ".py")
    if not is_printed:
        unmet.at = handler
    command = scene.code.find(r"\bcelery\b.*\bworker\b", "")
    route = scene.code.find(r"(?i:task_routes)|[\"']queue[\"']\s*:", ".py")
    if scene.message.queue == "celery" not in queues and route:
        return Unmet(
            "route-does-not-fit",
            f"the message for {scene.message.task} is in the list celery, but the"
            f" worker listens to {', '.join(queues)}",
            expected=unmet.expected,
            at=route,
        )
    if scene.message.queue not in queues:
        return Unmet(
            "other-queue",
            f"the message is in the list {scene.message.queue}, but the worker listens"
            f" to {', '.join(queues)}" + (f" ({command})" if command else ""),
            expected=unmet.expected,
            at=scene.code.find(r"queue=|(?i:default_queue|task_routes)", ".py")
            or command,
        )
    return unmet


def _other_api(scene: Scene, unmet: Unmet) -> Unmet | None:
    """Return the mistake if the task calls a host other than the API, or None."""
    asked = scene.search.events.first("asks host", process="worker")
    if asked is None or scene.site.requests_to_openai():
        return None
    end = scene.end_of(scene.search)
    seen = f"the worker sent a request to {asked['host']} instead of the address in"
    seen += " OPENAI_BASE_URL"
    if end and end["what"] == "task failed":
        seen += f"; the task raised {end.error[:100]}"
    return Unmet("asks-other-api", seen, expected=unmet.expected, at=asked.at)


def _unknown_task(scene: Scene, unmet: Unmet) -> Unmet | None:
    """Return the mistake if the worker does not know the message's task, or None."""
    unknown = scene.search.events.first("unknown task")
    if unknown is None:
        return None
    known = scene.events.first("worker ready", pid=unknown["pid"])["tasks"]
    called = scene.search.events.first("enqueued")
    command = scene.code.find(r"\bcelery\b.*\bworker\b", "")
    is_mistyped = difflib.get_close_matches(unknown["task"], known, n=1, cutoff=0.7)
    return Unmet(
        "task-not-registered",
        f"the worker got a message for {unknown['task']}; the tasks that it knows:"
        f" {', '.join(known) or 'none'}",
        expected=f"a worker that takes the message for {unknown['task']}",
        at=called.at if called and is_mistyped else None if known else command,
    )


def _no_answer(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake that explains a missing answer of the API.

    Either the task did not call the API, or the API refused the request.
    """
    if found := _wrong_address(scene, unmet):
        return found
    event, end = scene.search.events.first("openai"), scene.end_of(scene.search)
    at = (event.at if event else None) or (end.at if end else None) or _task(scene)
    if event and re.search(r"api_key|credentials", event.error):
        return Unmet("api-key-missing", event.error, expected=unmet.expected, at=at)
    if event and "Illegal header value of Authorization" in event.error:
        return Unmet("api-key-wrong", event.error, expected=unmet.expected, at=at)
    if unmet.mistake not in ("api-not-asked", "api-asked-other"):
        key = scene.code.find(r"\bapi_key\s*=|OPENAI_API_KEY", ".py")
        unmet.at = (unmet.mistake == "api-key-wrong" and key) or at
        if event:
            unmet.seen += f"; the client raised {event.error}"
        return unmet
    if end and end["what"] == "task failed":
        return task_failed(scene, end)
    if event:
        return Unmet("api-call-fails", event.error, expected=unmet.expected, at=at)
    if unmet.mistake == "api-not-asked":
        unmet.at = at
        if end and scene.code.line(_task(scene)).startswith("async def"):
            unmet.mistake, unmet.at = "task-is-coroutine", _task(scene)
        if found := _not_started(scene, unmet):
            return found
        if scene.search.events.first("enqueued"):
            unmet.seen += f"; the task {'ended' if end else 'is still running'}"
        if rows := _rows(scene):
            unmet.seen += f"; it saved {_short(rows[-1]['row'])}"
    return unmet


def _wrong_address(scene: Scene, unmet: Unmet) -> Unmet | None:
    """Return the mistake if there is no API at the client's address, or None."""
    given = scene.events.first("openai address", process="worker")
    if given is None or unmet.mistake not in ("api-address", "api-not-asked"):
        return None
    if unmet.mistake == "api-not-asked" and not given["kept"]:
        return None
    at = scene.code.find(r"\bbase_url\s*=|[\"']base_url[\"']", ".py") or given.at
    seen = f"{unmet.seen}; the client has the address {given['address']}"
    if event := scene.search.events.first("openai", process="worker"):
        seen += f"; it raised {event.error}"
    return Unmet("api-base-url", seen, expected=unmet.expected, at=at)


def _not_started(scene: Scene, unmet: Unmet) -> Unmet | None:
    """Return the mistake if the message was taken, but its task did not start.

    Otherwise, return None.
    """
    sent = scene.search.events.first("enqueued")
    is_started = sent and scene.search.events.first("task started", id=sent["id"])
    if is_started or not scene.still_runs(scene.search):
        return None
    seen = f"the worker has taken the message, but {scene.message.task} has not started"
    delay = None
    if scene.message.eta:
        seen += f"; its eta is {scene.message.eta}"
        delay = scene.code.find(r"\b(countdown|eta)\b\W*[=:]", ".py")
    at = delay or sent.at
    return Unmet("task-not-started", seen, expected=unmet.expected, at=at)


def task_failed(scene: Scene, end: Event) -> Unmet:
    """Return the mistake that explains the exception that ended a task."""
    if re.search(NOT_MIGRATED, end.error):
        return not_migrated(scene, end.error)
    expected = "a task that saves the answer"
    if mistake := of_a_package(end.error):
        return Unmet(mistake, end.error, expected=expected, at=end.at, stage=4)
    if found := _sent_too_early(scene, end):
        return found
    if re.search(r"'(Response|ChatCompletion)\w*' object", end.error):
        text = scene.code.find(r"\b(response|completion|reply|result)\.text\b", ".py")
        at = end.at if "attribute" in end.error else text or end.at
        expected = f"{expected}; the line is: {scene.code.line(at)}"
        return Unmet("wrong-response-field", end.error, expected=expected, at=at)
    line = scene.code.line(end.at)
    does_not_fit = re.match(r"TypeError: \w+\(\) .*\bargument", end.error)
    if does_not_fit and line.startswith(("def ", "@")):
        return Unmet("wrong-arguments", end.error, expected=expected, at=end.at)
    if line:
        expected = f"{expected}; the line is: {line}"
    return Unmet("task-raises", end.error, expected=expected, at=end.at)


def _sent_too_early(scene: Scene, end: Event) -> Unmet | None:
    """Return the mistake if the view sent an id before that id existed.

    Otherwise, return None.
    """
    called = scene.search.events.first("enqueued")
    if called is None or not re.search(r"NOT NULL|not-null|DoesNotExist", end.error):
        return None
    arguments = called["arguments"]
    if None in arguments:
        return Unmet(
            "none-in-message",
            f"the view sent {arguments}; the task raised {end.error}",
            expected="arguments that have a value when the task is called",
            at=called.at,
        )
    question = scene.search.question
    is_saved = not scene.databases() or scene.is_in_database(question)
    if question not in str(arguments) and not is_saved:
        return Unmet(
            "row-not-saved",
            f"the view sent {arguments}; the task raised {end.error}",
            expected="a row with the question, before the task is called",
            at=called.at,
        )
    return None


def _not_shown(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake that explains why an answer is not saved or not shown."""
    end, rows = scene.end_of(scene.search), _rows(scene)
    if unmet.mistake == "not-saved":
        if found := still_runs(scene, scene.search):
            return found
        # If the view started a chain of tasks, a later task of the chain may fail.
        failed = scene.search.events.first("task failed", process="worker")
        if failed:
            return task_failed(scene, failed)
        # The API's client may have closed the connection before the answer came.
        if event := scene.search.events.first("openai", process="worker"):
            at = event.at or _task(scene)
            return Unmet("api-call-fails", event.error, expected=unmet.expected, at=at)
        if rows and not _is_saved(scene, rows):
            return Unmet(
                "answer-not-in-row",
                f"{rows[-1]['model']} was saved with {_short(rows[-1]['row'])}",
                expected=unmet.expected,
                at=rows[-1].at or _task(scene),
            )
        if not rows and end:
            unmet.seen = "the task has ended, but no row was saved"
        some = scene.code.find(r"update_fields=", ".py") if rows else None
        if some:
            unmet.seen += f"; the row was saved with {scene.code.line(some)}"
        unmet.at = some or _task(scene)
        return unmet
    user = _user(scene)
    owners = {str(v) for row in rows for n, v in row["row"].items() if "user" in n}
    if user and owners and user not in owners:
        return Unmet(
            "saved-for-another-user",
            f"the row's user is {', '.join(owners)}; the question came from {user}",
            expected=unmet.expected,
            at=rows[-1].at,
        )
    listed = scene.code.find(r"{% *for (?!.* in messages).* in ", ".html")
    unmet.at = listed or scene.view
    name = re.search(r" in ([a-z]\w*)\s*%}", scene.code.line(listed))
    if name and not scene.code.find(rf"\b{name[1]}\b", ".py"):
        unmet.seen = (
            f"the template loops over `{name[1]}`, but no view passes it a variable of"
            f" that name (see {scene.view})"
        )
    return unmet


def _rows(scene: Scene) -> list[Event]:
    return scene.search.events.all("saved", process="worker")


def _is_saved(scene: Scene, rows: list[Event]) -> bool:
    """Whether a field of a row contains the first words of the answer."""
    wanted = first_words(scene.answered(scene.search.question)["answer"])
    return any(wanted in squeeze(text) for row in rows for text in row["row"].values())


def _short(row: dict[str, str]) -> str:
    return ", ".join(f"{name}={value[:60]!r}" for name, value in row.items())


def _user(scene: Scene) -> str | None:
    """Return the user's id in the message, or None.

    The id is the only number among the message's arguments.
    """
    arguments = scene.message.arguments or []
    numbers = [str(value) for value in arguments if isinstance(value, int)]
    return numbers[0] if len(numbers) == 1 else None


def findings(scene: Scene) -> Iterator[Unmet]:
    """Yield a finding if the task fails after it saved the answer.

    Add advice if the client's address is not the default address of the API.
    """
    asked = scene.events.first("openai address", process="worker")
    if asked and asked["address"] != REAL_API:
        scene.advice.append(
            f"{asked.at}: the API client has the address {asked['address']}; `check`"
            " answered in place of the server at this address, so it cannot tell"
            " whether the address is right"
        )
    scene.wait_for_end(scene.search)
    end = scene.end_of(scene.search)
    # From stage 5 on, other checks examine what happens after the answer is saved.
    if end and end["what"] == "task failed" and scene.number < 5:
        yield task_failed(scene, end)


def still_runs(scene: Scene, search: Search) -> Unmet | None:
    """Return the mistake to report if the search's task has not ended, or None."""
    if not scene.still_runs(search):
        return None
    found = does_not_end(scene)
    found.at = _task(scene)
    return found
