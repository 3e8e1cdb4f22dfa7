"""Stage 2, explained: how far the view got on its way to the broker."""

import re
from collections.abc import Iterator

from tutorial.check.inside.stage_1_template import page_error
from tutorial.check.inside.stage_3_queue import NO_BROKER, no_broker, not_called
from tutorial.check.scene import Scene
from tutorial.check.stages.stage_2_view import bad_question_taken
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event

# What is wrong in the view itself.
OF_THE_VIEW = (
    *("no-view-takes-post", "csrf-refused", "view-waits", "nothing-said"),
    *("redirect-nowhere", "user-none"),
)


def explain(scene: Scene, unmet: Unmet) -> Unmet:
    """Whether the view called the task, and what it raised."""
    if unmet.mistake == "page-raises":
        return page_error(scene, unmet, scene.stage_events)
    if unmet.mistake in ("view-raises", "view-waits", "form-refuses-question"):
        unmet = _not_called(scene) or unmet
    events = scene.search.events
    if unmet.mistake == "view-raises":
        return _view_error(scene, unmet)
    if unmet.mistake == "view-waits" and (waits := events.first("waits for result")):
        unmet.mistake, unmet.at = "waits-for-result", waits.at
    elif unmet.mistake == "form-refuses-question":
        if events.first("enqueued"):
            status = scene.search.answer.status
            return Unmet(
                "return-missing",
                f"the task was called, and the view answered with status {status}",
                expected="a redirect, or the page with status 200",
                at=scene.code.find(r"^\s+redirect\(", ".py") or scene.view,
            )
        unmet.at = scene.code.find(r"forms\.(Form|ModelForm)", ".py") or scene.view
    elif unmet.mistake == "bad-question-taken":
        unmet.at = scene.code.find(r"CharField|forms\.Form", ".py") or _at(scene)
    elif unmet.mistake in OF_THE_VIEW:
        unmet.at = _at(scene)
    event = events.first("enqueued")
    if unmet.mistake == "user-none" and event:
        unmet.seen += f"; the task got {event['arguments']}"
    return unmet


def _at(scene: Scene) -> str | None:
    """The line that calls the task, or the view."""
    event = scene.search.events.first("enqueued", "enqueue failed")
    return event.at if event and event.at else scene.view


def _view_error(scene: Scene, unmet: Unmet) -> Unmet:
    found = page_error(scene, unmet, scene.search.events)
    if "object has no attribute 'delay'" in found.seen:
        found.mistake = "no-task-decorator"
        task = scene.code.find(r"^def \w+\(.*(query|user|question)", "tasks.py")
        found.at = task or found.at
    elif found.mistake == "page-raises":
        found.mistake = "view-raises"
    return found


def _not_called(scene: Scene) -> Unmet | None:
    """What went wrong between the view and the broker, or None."""
    search = scene.search
    if direct := search.events.first("called directly", process="web"):
        return Unmet(
            "called-directly",
            f"{direct['task']} ran in the web process, as a plain function",
            expected="a call of the task's .delay()",
            at=direct.at,
        )
    event = search.events.first("enqueued", "enqueue failed")
    if event is None or event["what"] == "enqueued":
        return None
    if NO_BROKER.search(event.error):
        return no_broker(scene, event)
    return _enqueue_failed(scene, event)


def _definition(scene: Scene, task: str) -> str:
    """Where the task is defined, and how, to go on with; or ""."""
    at = scene.code.tasks.get(task.rpartition(".")[2])
    return f"; the task is defined in {at}: {scene.code.line(at)}" if at else ""


def _enqueue_failed(scene: Scene, event: Event) -> Unmet:
    if event["error"] == "TypeError" and "argument" in event.error:
        return Unmet(
            "wrong-arguments",
            event.error + _definition(scene, event["task"]),
            expected=f"arguments that {event['task']} takes",
            at=event.at,
        )
    if re.search(r"serializable|EncodeError|pickle", event.error):
        return Unmet(
            "not-serializable",
            event.error,
            expected="arguments that JSON knows: texts, numbers, lists",
            at=event.at,
        )
    return Unmet("view-raises", event.error, expected="a call of the task", at=event.at)


def findings(scene: Scene) -> Iterator[Unmet]:
    """The view answered well, and did not call the task with a good question alone."""
    if not scene.observed:
        return
    search = scene.search
    if search.answer.status == 200 and search.answer.html.lstrip()[:1] not in "{[":
        scene.advice.append(
            f"{_at(scene)}: the form is answered with a page (status 200), so a reload"
            " sends it again; answer with a redirect"
        )
    event = search.events.first("enqueued", "enqueue failed")
    found = _not_called(scene)
    # Where the view hides that no broker took the message, the next stage says so.
    if found and not (event and NO_BROKER.search(event.error)):
        yield found
    elif event is None:
        yield not_called(scene)
    yield from _bad_questions(scene)


def _bad_questions(scene: Scene) -> Iterator[Unmet]:
    """A bad question became a task, though the page does not show it."""
    form = scene.visitor().form()
    longest = _longest_in_model(scene, form.text_field)
    if longest and not form.texts.get(form.text_field):
        what = f"a question of {longest + 1} characters, too long for the model,"
        scene.bad[what] = scene.ask("x" * (longest + 1))
    for what, search in scene.bad.items():
        if search.events.first("enqueued", "enqueue failed", "called directly"):
            yield bad_question_taken(what)


def _longest_in_model(scene: Scene, name: str) -> int | None:
    """The limit of the model's field for the question."""
    pattern = rf"\b{re.escape(name)} = models\.CharField\(max_length=(\d+)"
    for file, text in scene.code.texts(".py").items():
        if "/migrations/" not in file and (match := re.search(pattern, text)):
            return int(match[1])
    return None
