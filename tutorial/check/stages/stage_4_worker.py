"""Stage 4 · worker: the message is taken, the API is asked, the answer is saved."""

import contextlib
import re
import sqlite3

from tutorial.check.scene import Scene, Search, last_words
from tutorial.check.stages.stage_0_start import NOT_MIGRATED, stage_of
from tutorial.check.stages.stage_1_template import not_migrated, page_error
from tutorial.check.stages.stage_3_queue import Message, find_message
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event
from tutorial.runtime.waiting import wait_for

READY = 20.0  # seconds that a worker has to start
DONE = 10.0  # seconds that a task has, with a stand-in that answers at once

# A question that makes the API refuse the request; see `tutorial/standin`.
REFUSED = "simulate: bad key"


def check(scene: Scene) -> str:
    """A reload shows the API's answer, to its user and to nobody else."""
    search = scene.search
    _check_worker(scene)
    event = search.events.first("enqueued")
    message = find_message(scene, search, event)
    _check_taken(scene, search, event, message)
    end = wait_for(lambda: _end(search, event["id"]), DONE)
    request = scene.answered(search.question)
    if request is None or request["status"] != 200:
        raise _no_answer(scene, search, end, request)
    if end is None:
        raise Unmet(
            "task-does-not-end",
            f"the API has answered, and {event['task']} still runs after {DONE:g} s",
            expected="a task that ends",
            at=_task(scene, event["task"]),
        )
    if end["what"] == "task failed":
        _check_failure(scene, search, end)
    _check_saved(scene, search, request["answer"])
    shown = _check_page(scene, search, request["answer"])
    _check_error_is_kept(scene)
    return f"the API was asked, and a reload shows: {shown[:50]}…"


def _task(scene: Scene, name: str) -> str | None:
    return scene.code.tasks.get(name.rpartition(".")[2])


def _end(search: Search, task_id: str) -> Event | None:
    return search.events.first("task done", "task failed", id=task_id)


def _check_worker(scene: Scene) -> None:
    """A worker runs, and has told that it is ready."""
    if not scene.has_worker:
        raise Unmet(
            "no-worker",
            f"the project starts {', '.join(scene.project.running)};"
            " the message still waits in Redis",
            expected="a process that runs `celery ... worker`",
            at="Procfile:1" if (scene.folder / "Procfile").exists() else None,
        )
    wait_for(
        lambda: scene.events.first("worker ready") or scene.has_ended("worker"), READY
    )
    lines = scene.lines("worker")
    procfile = scene.code.find(r"\bcelery\b.*\bworker\b", "")
    expected = "a worker that is ready"
    if scene.has_ended("worker"):
        words, place = scene.why_it_ended("worker")
        stage = stage_of(scene.code, place)
        module = re.search(r"No module named '([\w.]+)'", words)
        named = module and scene.code.find(rf"[\"']{re.escape(module[1])}\b", ".py")
        at = place or named or procfile
        raise Unmet("worker-ends", words, expected=expected, at=at, stage=stage)
    if not scene.events.first("worker ready"):
        text = "\n".join(lines)
        if refused := re.search(r"Cannot connect to (\S+?):? ", text):
            mistake = "broker-not-read" if "amqp" in refused[1] else "broker-refuses"
            seen = f"the worker cannot connect to {refused[1]}"
            at = scene.code.find(r"config_from_object|(?i:broker)", ".py")
            raise Unmet(mistake, seen, expected=expected, at=at)
        seen = f"after {READY:g} s its last line is: {last_words(lines)}"
        raise Unmet("worker-not-ready", seen, expected=expected, at=procfile)


def _check_taken(
    scene: Scene, search: Search, event: Event, message: Message | None
) -> None:
    """The worker took the message, and knows the task."""
    name, expected = (
        event["task"],
        f"a worker that takes the message for {event['task']}",
    )
    found = wait_for(
        lambda: (
            search.events.first("task started", "unknown task", task=name)
            or search.events.first("task failed", task=name)
        ),
        DONE / 2,
    )
    worker = scene.events.first("worker ready")
    if found and found["what"] == "unknown task":
        known = ", ".join(worker["tasks"]) or "none"
        raise Unmet(
            "task-not-registered",
            f"the worker got a message for {name}; the tasks that it knows: {known}",
            expected=expected,
            at=_task(scene, name),
        )
    if found:
        return
    procfile = scene.code.find(r"\bcelery\b.*\bworker\b", "")
    at = scene.code.find(r"(?i)broker", ".py")
    if worker["broker"] != event["broker"]:
        raise Unmet(
            "other-broker",
            f"the view sends to {event['broker']}, the worker listens at"
            f" {worker['broker']}",
            expected=expected,
            at=at,
        )
    if message and message.queue not in worker["queues"]:
        queues = ", ".join(worker["queues"])
        raise Unmet(
            "other-queue",
            f"the message is in the list {message.queue}, the worker listens to"
            f" {queues}",
            expected=expected,
            at=scene.code.find(r"queue=|(?i:default_queue|task_routes)", ".py")
            or procfile,
        )
    words = last_words(scene.lines("worker"))
    seen = f"the worker is ready, and has not taken it; its last line: {words}"
    raise Unmet("message-not-taken", seen, expected=expected, at=procfile)


def _no_answer(
    scene: Scene, search: Search, end: Event | None, request: dict | None
) -> Unmet:
    """The API gave no answer to the task: it was not asked, or it refused."""
    expected = "a request to the API, and its answer"
    event = search.events.first("openai")
    task = _task(scene, search.events.first("enqueued")["task"])
    at = (event.at if event else None) or (end.at if end else None) or task
    refused = request or _refused(scene, search)
    if event and re.search(r"api_key|credentials|Illegal header", event.error):
        return Unmet("api-key-missing", event.error, expected=expected, at=at)
    if refused and refused["status"] == 401:
        seen = "the API answered with status 401: the key is wrong"
        return Unmet("api-key-wrong", seen, expected=expected, at=at)
    if refused and refused["status"] == 404:
        seen = f"the task asked for {refused['path']}: status 404"
        return Unmet("api-address", seen, expected=expected, at=at)
    if refused and refused["status"]:
        seen = f"the API answered with status {refused['status']}"
        return Unmet("api-refuses", seen, expected=expected, at=at)
    if end and end["what"] == "task failed":
        return task_failed(scene, end)
    if event:
        return Unmet("api-call-fails", event.error, expected=expected, at=at)
    other = [r for r in scene.site.requests_to_openai() if r["status"] == 200]
    if other:
        seen = f"the API was asked: {other[-1]['input'][:60]!r}"
        expected = f"the question “{search.question}” in the request"
        return Unmet("api-asked-other", seen, expected=expected, at=task)
    state = "ended" if end else "still runs"
    seen = f"the task {state}, and no request has reached the API"
    if rows := _rows(scene, search):
        seen += f"; it saved {_short(rows[-1]['row'])}"
    return Unmet("api-not-asked", seen, expected=expected, at=at)


def _refused(scene: Scene, search: Search) -> dict | None:
    """The last request that was refused: a request without a key tells no question."""
    refused = [r for r in scene.site.requests_to_openai() if r["status"] >= 400]
    return refused[-1] if refused else None


def task_failed(scene: Scene, end: Event) -> Unmet:
    """The exception that ended a task, as a mistake."""
    if re.search(NOT_MIGRATED, end.error):
        return not_migrated(scene, end.error)
    expected = "a task that saves the answer"
    line = scene.code.line(end.at)
    does_not_fit = re.match(r"TypeError: \w+\(\) .*\bargument", end.error)
    if does_not_fit and line.startswith(("def ", "@")):
        return Unmet("wrong-arguments", end.error, expected=expected, at=end.at)
    if line:
        expected = f"{expected}; the line is: {line}"
    return Unmet("task-raises", end.error, expected=expected, at=end.at)


def _check_failure(scene: Scene, search: Search, end: Event) -> None:
    """Raises Unmet, unless the task failed in what comes after the answer is saved."""
    later = search.events.first("signal", "handler failed", "group_send failed")
    if scene.number >= 5 and (later or ".send" in scene.code.line(end.at)):
        return
    if scene.number >= 5 and _is_saved(scene, search):
        return
    raise task_failed(scene, end)


def _rows(scene: Scene, search: Search) -> list[Event]:
    return search.events.all("saved", process="worker")


def _is_saved(scene: Scene, search: Search) -> bool:
    request = scene.answered(search.question)
    return any(_holds(row["row"], request["answer"]) for row in _rows(scene, search))


def _holds(row: dict[str, str], answer: str) -> bool:
    """Whether a field of the row holds the beginning of the answer."""
    return any(first_words(answer) in squeeze(text) for text in row.values())


def first_words(answer: str) -> str:
    """The beginning of an answer: what a page that shortens it still shows."""
    return " ".join(answer.split()[:5])


def squeeze(text: str) -> str:
    """The text with single blanks."""
    return " ".join(text.split())


def _check_saved(scene: Scene, search: Search, answer: str) -> None:
    """The answer is in the database."""
    if _is_saved(scene, search) or _is_in_database(scene, answer):
        return
    rows = _rows(scene, search)
    at = _task(scene, search.events.first("enqueued")["task"])
    expected = f"a row with the answer, “{first_words(answer)}…”"
    if rows:
        seen = f"{rows[-1]['model']} was saved with {_short(rows[-1]['row'])}"
        raise Unmet("answer-not-in-row", seen, expected=expected, at=rows[-1].at or at)
    seen = "the task has ended, and no row was saved"
    raise Unmet("not-saved", seen, expected=expected, at=at)


def _short(row: dict[str, str]) -> str:
    return ", ".join(f"{name}={value[:60]!r}" for name, value in row.items())


def _is_in_database(scene: Scene, answer: str) -> bool:
    """Look into every text of the copied databases, whoever has written it, and how."""
    for file in scene.folder.parent.rglob("*.sqlite3"):
        with contextlib.closing(sqlite3.connect(file)) as database:
            for statement in database.iterdump():
                if first_words(answer) in squeeze(statement):
                    return True
    return False


def _check_page(scene: Scene, search: Search, answer: str) -> str:
    """A reload shows the answer, to its user alone."""

    def shown() -> str | None:
        page = search.visitor.get()
        text = squeeze(page.page.text)
        return text if first_words(answer) in text else None

    events = scene.events.mark()
    text = wait_for(shown, 3)
    page = search.visitor.get()
    if page.status >= 500:
        raise page_error(scene, scene.path, events, page)
    expected = f"a page that shows, after a reload, “{first_words(answer)}…”"
    if not text:
        rows = _rows(scene, search)
        user = _user_of(search)
        owners = {str(v) for row in rows for n, v in row["row"].items() if "user" in n}
        if user and owners and user not in owners:
            raise Unmet(
                "saved-for-another-user",
                f"the row's user is {', '.join(owners)}; the question came from {user}",
                expected=expected,
                at=rows[-1].at,
            )
        raise Unmet(
            "answer-not-on-page",
            f"the row is saved, and a reload shows: {page.page.text[:100]}",
            expected=expected,
            at=scene.code.find(r"{% *for (?!.* in messages).* in ", ".html")
            or scene.view,
        )
    other = scene.visitor()
    other.get()
    if search.question in other.get().page.text:
        raise Unmet(
            "others-see-it",
            "another visitor's page shows the question, too",
            expected="a page that shows each visitor their own searches",
            at=scene.code.find(r"objects\.(all|order_by|filter)\(", ".py")
            or scene.view,
        )
    return text.partition(search.question)[2].strip() or first_words(answer)


def _user_of(search: Search) -> str | None:
    """The user's id in the message, if there is one."""
    numbers = [
        str(value)
        for value in search.events.first("enqueued")["arguments"]
        if isinstance(value, int)
    ]
    return numbers[0] if len(numbers) == 1 else None


def _check_error_is_kept(scene: Scene) -> None:
    """Where the API fails, the visitor hears of it at the next load of the page."""
    search = scene.second = scene.ask(REFUSED)
    event = search.events.wait(2, "enqueued")
    end = event and wait_for(lambda: _end(search, event["id"]), DONE)
    if not event or not end:
        seen = "the API refused, and the task has not ended"
        raise Unmet("api-error-kept-from-user", seen, at=None)

    def told() -> str:
        known = {*search.before, REFUSED}
        pieces = search.visitor.get().page.pieces
        return " ".join(piece for piece in pieces if piece not in known)

    # The notice of the start is shown once, by the first of these loads.
    told()
    if not told():
        raise Unmet(
            "api-error-kept-from-user",
            "the API refused (status 401), and a reload shows nothing of it",
            expected="a page that tells that the API gave no answer",
            at=end.at
            or scene.code.find(r"except .*(OpenAI|API)", ".py")
            or _task(scene, event["task"]),
        )
