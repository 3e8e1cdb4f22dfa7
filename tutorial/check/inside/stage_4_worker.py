"""Stage 4, explained: what the worker, the task and the API's client did."""

import re
from collections.abc import Iterator

from tutorial.check.inside.stage_0_start import NOT_MIGRATED, stage_of
from tutorial.check.inside.stage_1_template import not_migrated, page_error
from tutorial.check.scene import DONE, Scene, first_words, squeeze
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event


def explain(scene: Scene, unmet: Unmet) -> Unmet:
    """Where the message, the request or the answer got lost."""
    if unmet.mistake == "page-raises":
        return page_error(scene, unmet, scene.stage_events)
    if unmet.mistake == "burst-fails":
        return _burst(scene, unmet)
    if unmet.mistake == "worker-ends":
        return _worker_ends(scene, unmet)
    if unmet.mistake == "worker-not-ready":
        return _worker_not_ready(scene, unmet)
    if unmet.mistake == "message-not-taken":
        return _not_taken(scene, unmet)
    if unmet.mistake.startswith("api-") and unmet.mistake != "api-error-kept-from-user":
        unmet = _unknown_task(scene, unmet) or _no_answer(scene, unmet)
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
    """Where the task is."""
    return scene.code.tasks.get(scene.message.task.rpartition(".")[2])


def _worker_ends(scene: Scene, unmet: Unmet) -> Unmet:
    module = re.search(r"No module named '([\w.]+)'", unmet.seen)
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
    worker = scene.events.first("worker ready")
    if event is None or worker is None:
        return unmet
    if worker["broker"] != event["broker"]:
        return Unmet(
            "other-broker",
            f"the view sends to {event['broker']}, the worker listens at"
            f" {worker['broker']}",
            expected=unmet.expected,
            at=scene.code.find(r"(?i)broker", ".py"),
        )
    if scene.message.queue not in worker["queues"]:
        return Unmet(
            "other-queue",
            f"the message is in the list {scene.message.queue}, the worker listens to"
            f" {', '.join(worker['queues'])}",
            expected=unmet.expected,
            at=scene.code.find(r"queue=|(?i:default_queue|task_routes)", ".py")
            or scene.code.find(r"\bcelery\b.*\bworker\b", ""),
        )
    return unmet


def _unknown_task(scene: Scene, unmet: Unmet) -> Unmet | None:
    """The worker took the message and threw it away."""
    unknown = scene.search.events.first("unknown task")
    if unknown is None:
        return None
    known = ", ".join(scene.events.first("worker ready")["tasks"]) or "none"
    return Unmet(
        "task-not-registered",
        f"the worker got a message for {unknown['task']}; the tasks that it knows:"
        f" {known}",
        expected=f"a worker that takes the message for {unknown['task']}",
    )


def _no_answer(scene: Scene, unmet: Unmet) -> Unmet:
    """The API gave no answer to the task: it was not asked, or it refused."""
    event, end = scene.search.events.first("openai"), scene.end_of(scene.search)
    at = (event.at if event else None) or (end.at if end else None) or _task(scene)
    if event and re.search(r"api_key|credentials|Illegal header", event.error):
        return Unmet("api-key-missing", event.error, expected=unmet.expected, at=at)
    if unmet.mistake not in ("api-not-asked", "api-asked-other"):
        key = scene.code.find(r"\bapi_key\s*=|OPENAI_API_KEY", ".py")
        unmet.at = (unmet.mistake == "api-key-wrong" and key) or at
        return unmet
    if end and end["what"] == "task failed":
        return task_failed(scene, end)
    if event:
        return Unmet("api-call-fails", event.error, expected=unmet.expected, at=at)
    if unmet.mistake == "api-not-asked":
        unmet.at = at
        unmet.seen += f"; the task {'ended' if end else 'still runs'}"
        if rows := _rows(scene):
            unmet.seen += f"; it saved {_short(rows[-1]['row'])}"
    return unmet


def task_failed(scene: Scene, end: Event) -> Unmet:
    """The exception that ended a task, as a mistake."""
    if re.search(NOT_MIGRATED, end.error):
        return not_migrated(scene, end.error)
    expected = "a task that saves the answer"
    if found := _sent_too_early(scene, end):
        return found
    line = scene.code.line(end.at)
    does_not_fit = re.match(r"TypeError: \w+\(\) .*\bargument", end.error)
    if does_not_fit and line.startswith(("def ", "@")):
        return Unmet("wrong-arguments", end.error, expected=expected, at=end.at)
    if line:
        expected = f"{expected}; the line is: {line}"
    return Unmet("task-raises", end.error, expected=expected, at=end.at)


def _sent_too_early(scene: Scene, end: Event) -> Unmet | None:
    """The view passed something that was not there yet, or never came: a mistake."""
    called = scene.search.events.first("enqueued")
    if called is None or not re.search(r"NOT NULL|not-null|DoesNotExist", end.error):
        return None
    arguments = called["arguments"]
    if None in arguments:
        return Unmet(
            "none-in-message",
            f"the view sent {arguments}; the task raised {end.error}",
            expected="arguments that are known when the task is called",
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
    """The API has answered, and the page does not show it."""
    end, rows = scene.end_of(scene.search), _rows(scene)
    if unmet.mistake == "not-saved":
        if end is None and scene.observed:
            return _does_not_end(scene)
        if end and end["what"] == "task failed":
            return task_failed(scene, end)
        if rows and not _is_saved(scene, rows):
            return Unmet(
                "answer-not-in-row",
                f"{rows[-1]['model']} was saved with {_short(rows[-1]['row'])}",
                expected=unmet.expected,
                at=rows[-1].at or _task(scene),
            )
        if not rows and end:
            unmet.seen = "the task has ended, and no row was saved"
        unmet.at = _task(scene)
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
            f"the template loops over `{name[1]}`, and no view gives it that name"
            f" (see {scene.view})"
        )
    return unmet


def _rows(scene: Scene) -> list[Event]:
    return scene.search.events.all("saved", process="worker")


def _is_saved(scene: Scene, rows: list[Event]) -> bool:
    """Whether a field of a row holds the beginning of the answer."""
    wanted = first_words(scene.answered(scene.search.question)["answer"])
    return any(wanted in squeeze(text) for row in rows for text in row["row"].values())


def _short(row: dict[str, str]) -> str:
    return ", ".join(f"{name}={value[:60]!r}" for name, value in row.items())


def _user(scene: Scene) -> str | None:
    """The user's id in the message, if there is one."""
    arguments = scene.message.arguments or []
    numbers = [str(value) for value in arguments if isinstance(value, int)]
    return numbers[0] if len(numbers) == 1 else None


def findings(scene: Scene) -> Iterator[Unmet]:
    """The task goes on, or fails, after the answer is saved."""
    scene.wait_for_end(scene.search)
    end = scene.end_of(scene.search)
    if end is None and scene.observed:
        yield _does_not_end(scene)
    # From stage 5 on, what comes after the saved answer is the next stage's affair.
    if end and end["what"] == "task failed" and scene.number < 5:
        yield task_failed(scene, end)


def _does_not_end(scene: Scene) -> Unmet:
    name = scene.message.task
    return Unmet(
        "task-does-not-end",
        f"the API has answered, and {name} still runs after {DONE:g} s",
        expected="a task that ends",
        at=_task(scene),
    )
