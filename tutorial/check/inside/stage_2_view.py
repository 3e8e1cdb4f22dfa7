"""Explains stage 2: how far the view got on its way to the broker."""

import re
from collections.abc import Iterator

from tutorial.check.inside.stage_1_template import page_error
from tutorial.check.inside.stage_3_queue import (
    NO_BROKER,
    broker_refuses,
    no_broker,
    not_called,
    words_of_refusal,
)
from tutorial.check.scene import Scene
from tutorial.check.stages.stage_2_view import bad_question_taken
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event, Events

# The mistakes in the view itself.
OF_THE_VIEW = ("no-view-takes-post", "view-waits", "user-none")


def explain(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake in the view, with its place."""
    if unmet.mistake == "page-raises":
        return page_error(scene, unmet, scene.stage_events)
    if unmet.mistake in ("view-raises", "view-waits", "form-refuses-question"):
        unmet = _not_called(scene) or unmet
    events = scene.search.events
    if unmet.mistake == "view-raises":
        return _view_error(scene, unmet)
    if unmet.mistake == "view-waits" and (waits := events.first("waits for result")):
        unmet.mistake, unmet.at = "waits-for-result", waits.at
    elif unmet.mistake == "view-waits" and (call := _hangs_in_call(events)):
        return broker_refuses(
            scene,
            f"{unmet.seen}: it hangs in the call to the task; the broker is"
            f" {call['broker']}",
        )
    elif unmet.mistake == "web-ends":
        unmet.at = scene.view
    elif unmet.mistake == "redirect-nowhere":
        unmet.at = scene.code.below(_at(scene), r"\b(re_)?redirect\(|Redirect\(")
        unmet.at = unmet.at or _at(scene)
    elif unmet.mistake == "nothing-said":
        _explain_silence(scene, unmet)
    elif unmet.mistake == "csrf-refused":
        unmet.seen += _reason_of_django(scene)
        by_hand = r"^(?!.*{{).*name=[\"']?csrfmiddlewaretoken"
        unmet.at = scene.code.find(by_hand, ".html") or _at(scene)
    elif unmet.mistake == "form-refuses-question":
        if events.first("enqueued"):
            status = scene.search.answer.status
            return Unmet(
                "return-missing",
                f"the task was called, but the view answered with status {status}",
                expected="a redirect, or the page with status 200",
                at=scene.code.find(r"^\s+redirect\(", ".py") or scene.view,
            )
        if found := _json_not_read(scene, unmet):
            return found
        if refused := events.first("form refused"):
            unmet.seen += f"; {words_of_refusal(refused)}"
            unmet.at = _other_field(scene, refused) or refused.at
        form = scene.code.find(r"forms\.(Form|ModelForm)", ".py")
        unmet.at = unmet.at or form or scene.view
    elif unmet.mistake == "csrf-missing-in-fetch":
        unmet.at = scene.code.find(r"(?i)x-?csrf", ".html", ".js")
        unmet.at = unmet.at or scene.code.find(r"\bfetch\(", ".js", ".html")
        unmet.seen += _reason_of_django(scene)
        if sent := _csrf_headers(scene):
            unmet.seen += f"; the request has the header {sent}"
    elif unmet.mistake == "bad-question-taken":
        unmet.at = _place_of_taken(scene)
    elif unmet.mistake in OF_THE_VIEW:
        unmet.at = _at(scene)
    event = events.first("enqueued")
    if unmet.mistake == "user-none" and event:
        unmet.seen += f"; the task got {event['arguments']}"
    return unmet


def _other_field(scene: Scene, refused: Event) -> str | None:
    """Return the place of a page's field that the form class does not know, or None.

    The form class has a different name for the field.
    """
    sent = [name for form in scene.visitor().get().page.forms for name in form.texts]
    lost = [name for name in sent if scene.code.find(rf"^\s+{name}\s*=", ".py") is None]
    if not lost or not set(refused["errors"]) - set(sent):
        return None
    return scene.code.find(rf"name=[\"']{re.escape(lost[0])}[\"']", ".html")


def _json_not_read(scene: Scene, unmet: Unmet) -> Unmet | None:
    """Return the mistake to report if the view reads JSON as form data, or None."""
    sent = scene.opened.sent if scene.opened else []
    if not any("json" in one.headers.get("content-type", "") for one in sent):
        return None
    reads = r"request\.body|json\.loads|request\.data\b|get_json"
    at = scene.code.find(r"request\.POST", ".py")
    if at is None or scene.code.find(reads, ".py"):
        return None
    seen = f"the request held JSON; {unmet.seen}"
    return Unmet("json-not-read", seen, expected=unmet.expected, at=at)


def _reason_of_django(scene: Scene) -> str:
    """Return why Django refused the last form, as the end of a sentence, or ""."""
    reasons = re.findall(r"Forbidden \((.*?)\)", str(scene.lines("web")))
    return f"; Django says: {reasons[-1]}" if reasons else ""


def _hangs_in_call(events: Events) -> Event | None:
    """Return the call to the task if it has neither succeeded nor failed, or None."""
    calls = events.all("enqueuing", process="web", eager=False)
    ended = events.all("enqueued", "enqueue failed", process="web", eager=False)
    return calls[-1] if len(calls) > len(ended) else None


def _explain_silence(scene: Scene, unmet: Unmet) -> None:
    """Set `unmet.at`. Add to `unmet.seen` why the page does not show the message."""
    code = scene.code
    unmet.at = _at(scene)
    adds = code.find(r"\bmessages\.(success|info|warning|error|add_message)\(", ".py")
    if adds is None:
        return
    if not code.find(r"\bmessages\b", ".html"):
        unmet.seen += f"; {adds} adds a message, but no template shows `messages`"
        unmet.at = code.find(r"<form|<body", ".html") or adds
    elif not code.find(r"context_processors\.messages", ".py"):
        unmet.seen += f"; {adds} adds a message, but no context processor passes it on"
        unmet.at = code.find(r"[\"']context_processors[\"']|^TEMPLATES", ".py") or adds


def _place_of_taken(scene: Scene) -> str | None:
    """Return the place where a bad question should be refused.

    This is the field, the view, or the call to `is_valid()`.
    """
    code, view = scene.code, (_at(scene) or "").rpartition(":")[0]
    if view:
        if at := code.find(r"^\s*(\w+\.)+is_valid\(\)\s*$|\bis_valid\b(?!\()", view):
            return at
        if not code.find(r"\bis_valid\(", ".py"):
            return code.find(r"request\.POST(\[|\.get\()", view) or _at(scene)
    return code.find(r"CharField|forms\.Form", ".py") or _at(scene)


def _csrf_headers(scene: Scene) -> str:
    """Return the names of the request's headers that should hold the CSRF token."""
    sent = scene.opened.sent[-1].headers if scene.opened and scene.opened.sent else {}
    return ", ".join(name for name in sent if "csrf" in name)


def _at(scene: Scene) -> str | None:
    """Return the place of the line that calls the task, or of the view."""
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
    """Return the mistake on the way from the view to the broker, or None."""
    search = scene.search
    if direct := search.events.first("called directly", process="web"):
        return Unmet(
            "called-directly",
            f"{direct['task']} ran in the web process, as a plain function",
            expected="a call to the task's .delay()",
            at=direct.at,
        )
    event = search.events.first("enqueued", "enqueue failed")
    if event is None or event["what"] == "enqueued":
        return None
    if NO_BROKER.search(event.error):
        return no_broker(scene, event)
    return _enqueue_failed(scene, event)


def _definition(scene: Scene, task: str) -> str:
    """Return where and how the task is defined, as the end of a sentence, or ""."""
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
            expected="arguments that JSON can represent: strings, numbers, lists",
            at=event.at,
        )
    return Unmet("view-raises", event.error, expected="a call to the task", at=event.at)


def findings(scene: Scene) -> Iterator[Unmet]:
    """Yield a finding if no task was called, or if a task got a bad question."""
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
    # The view may hide that no broker took the message. The next stage reports that.
    if found and not (event and NO_BROKER.search(event.error)):
        yield found
    elif event is None:
        yield not_called(scene)
    yield from _bad_questions(scene)


def _bad_questions(scene: Scene) -> Iterator[Unmet]:
    """Yield a finding for each bad question that was passed to a task."""
    form = scene.visitor().form()
    longest = _longest_in_model(scene, form.text_field)
    if longest and not form.texts.get(form.text_field):
        what = f"a question of {longest + 1} characters, too long for the model,"
        scene.bad[what] = scene.ask("x" * (longest + 1))
    for what, search in scene.bad.items():
        if search.own_events.first("enqueued", "enqueue failed", "called directly"):
            unmet = bad_question_taken(what)
            unmet.at = _place_of_taken(scene)
            yield unmet


def _longest_in_model(scene: Scene, name: str) -> int | None:
    """Return the maximum length of the model's field for the question, or None."""
    pattern = rf"\b{re.escape(name)} = models\.CharField\(max_length=(\d+)"
    for text in scene.code.texts(".py").values():
        if match := re.search(pattern, text):
            return int(match[1])
    return None
