"""Stage 2 · view: takes the form, calls the task by .delay(), answers."""

import re

from tutorial.check.scene import Scene, Search
from tutorial.check.stages.stage_1_template import page_error
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event

# What kombu and redis-py raise where the broker does not answer.
NO_BROKER = re.compile(
    r"OperationalError|ConnectionError|ConnectionRefused|TimeoutError"
)


def check(scene: Scene) -> str:
    """A question is answered and becomes a task; a bad one is refused."""
    search = scene.search = scene.ask(scene.question("view"))
    answer = search.answer
    event = search.events.first("enqueued", "enqueue failed")
    at = event.at if event else scene.view
    if answer.status == 0:
        waits = search.events.first("waits for result") or event
        raise Unmet(
            "waits-for-result" if waits is not event else "view-waits",
            f"the view has not answered after {answer.seconds:.0f} s",
            expected="an answer at once",
            at=waits.at if waits else at,
        )
    if event is None or event["what"] == "enqueue failed":
        _check_task_was_called(scene, search, event)
    if answer.status not in (200, 201, 202, 302, 303) and event["what"] == "enqueued":
        raise _refusal(scene, search)
    if event["what"] == "enqueue failed":
        return "the view called the task; more at the next stage"
    _check_words(scene, search, at)
    if answer.status == 200 and not answer.html.lstrip().startswith(("{", "[")):
        scene.advice.append(
            f"{at}: the form is answered with a page (status 200), so a reload sends it"
            " again; answer with a redirect"
        )
    _check_bad_question(scene, at)
    _check_forged(scene, search)
    if all(cookie.name == "csrftoken" for cookie in search.visitor.cookies):
        raise Unmet(
            "user-none",
            f"the visitor has no session; the task got {event['arguments']}",
            expected="a visitor with a session, and so with a user id",
            at=at,
        )
    said = " ".join(_new_words(scene, search).split()[:8])
    return f"answered with “{said}” after {answer.seconds:.2f} s; an empty one refused"


def _check_task_was_called(scene: Scene, search: Search, event: Event | None) -> None:
    """Raises Unmet unless the view got as far as the broker."""
    direct = search.events.first("called directly", process="web")
    if direct:
        raise Unmet(
            "called-directly",
            f"{direct['task']} ran in the web process, as a plain function",
            expected="a call of the task's .delay()",
            at=direct.at,
        )
    if event is None:
        raise _refusal(scene, search)
    if NO_BROKER.search(event.error):
        return  # the next stage's affair
    if event["error"] == "TypeError" and "argument" in event.error:
        raise Unmet(
            "wrong-arguments",
            event.error,
            expected=f"arguments that {event['task']} takes",
            at=event.at,
        )
    if re.search(r"serializable|EncodeError|pickle", event.error):
        raise Unmet(
            "not-serializable",
            event.error,
            expected="arguments that JSON knows: texts, numbers, lists",
            at=event.at,
        )
    raise Unmet("view-raises", event.error, expected="a call of the task", at=event.at)


def _refusal(scene: Scene, search: Search) -> Unmet:
    """Why a good question did not become a task."""
    answer, at = search.answer, scene.view
    if answer.status in (400, 422) and search.events.first("enqueued"):
        return Unmet(
            "return-missing",
            f"the task was called, and the view answered with status {answer.status}",
            expected="a redirect, or the page with status 200",
            at=scene.code.find(r"^\s+redirect\(", ".py") or at,
        )
    expected = "an answer to the form, and a call of the task"
    if answer.status == 405:
        return Unmet(
            "no-view-takes-post",
            "the form was answered with status 405",
            expected=expected,
            at=at or scene.code.find(r"urlpatterns", ".py"),
        )
    if answer.status == 403:
        seen = "the form was answered with status 403"
        return Unmet("csrf-refused", seen, expected=expected, at=at)
    if answer.status == 404:
        return Unmet(
            "form-action",
            "the address that the form is sent to was answered with status 404",
            expected=expected,
            at=scene.code.find(r"<form", ".html"),
        )
    if answer.status >= 500:
        found = page_error(scene, scene.path, search.events, answer)
        if "object has no attribute 'delay'" in found.seen:
            found.mistake = "no-task-decorator"
            tasks = scene.code.find(r"^def \w+\(.*(query|user|question)", "tasks.py")
            found.at = tasks or found.at
        elif found.mistake == "page-raises":
            found.mistake = "view-raises"
        return found
    said = _new_words(scene, search) or "nothing new"
    if answer.status in (400, 422) or "errorlist" in answer.html:
        return Unmet(
            "form-refuses-question",
            f"status {answer.status}, and the page says: {said[:120]}",
            expected="a good question that is taken",
            at=scene.code.find(r"forms\.(Form|ModelForm)", ".py") or at,
        )
    calls = scene.code.calls("delay", "apply_async", "delay_on_commit")
    return Unmet(
        "task-not-called",
        f"status {answer.status}, no task was called; the page says: {said[:80]}",
        expected=expected,
        at=calls[0].at if calls else at,
    )


def _new_words(scene: Scene, search: Search) -> str:
    """What the page says after the question that it did not say before."""
    answer = search.answer
    if answer.location and search.after is None:
        search.after = search.visitor.get(answer.location)
    page = search.after or answer
    if page.html.lstrip()[:1] in "{[":
        return page.html[:200]  # JSON
    return " ".join(piece for piece in page.page.pieces if piece not in search.before)


def _check_words(scene: Scene, search: Search, at: str | None) -> None:
    """The page answers in words."""
    said = _new_words(scene, search)
    after = search.after or search.answer
    if after.status >= 500:
        raise page_error(scene, scene.path, search.events, after)
    if after.status == 404:
        raise Unmet(
            "redirect-nowhere",
            f"after the form the browser is sent to {search.answer.location}: 404",
            expected="a page that tells that the search has started",
            at=at,
        )
    if not said.replace(search.question, "").strip():
        raise Unmet(
            "nothing-said",
            "the page after the form says what it said before",
            expected="words such as “Search has started!”",
            at=at,
        )


def _check_bad_question(scene: Scene, at: str | None) -> None:
    """An empty question is no task, and the page says so; the limit holds."""
    form = scene.visitor().form()
    limit = form.texts.get(form.text_field)
    bad = {"an empty question": "", "a question of blanks": "   "}
    if limit:
        bad[f"a question of {limit + 1} characters"] = "x" * (limit + 1)
    model = _longest_in_model(scene)
    if model and not limit:
        bad[f"a question of {model + 1} characters, too long for the model,"] = "x" * (
            model + 1
        )
    form_at = scene.code.find(r"CharField|forms\.Form", ".py") or at
    for what, question in bad.items():
        search = scene.ask(question)
        if search.answer.status >= 500:
            raise page_error(scene, scene.path, search.events, search.answer)
        if search.events.first("enqueued", "enqueue failed", "called directly"):
            seen = f"{what} became a task"
            expected = "an error at the form, and no task"
            raise Unmet("bad-question-taken", seen, expected=expected, at=form_at)
        if not _new_words(scene, search):
            seen = f"{what} was refused without a word"
            expected = "an error at the form"
            place = scene.code.find(r"<form", ".html")
            raise Unmet("no-error-shown", seen, expected=expected, at=place)


def _longest_in_model(scene: Scene) -> int | None:
    """The limit of the model's field for the question, where the form sets none."""
    form = scene.visitor().form()
    for name, text in scene.code.texts(".py").items():
        if "/migrations/" not in name and "models.Model" in text:
            pattern = (
                rf"\b{re.escape(form.text_field)} = models\.CharField\(max_length=(\d+)"
            )
            if match := re.search(pattern, text):
                return int(match[1])
    return None


def _check_forged(scene: Scene, search: Search) -> None:
    """A form that comes without its token is refused."""
    events = scene.events.mark()
    forged = search.visitor.ask(scene.question("token"), token="")
    if forged.status == 403 or not events.first("enqueued", "called directly"):
        return
    middleware = scene.code.find(r"^MIDDLEWARE", ".py")
    exempt = scene.code.find(r"csrf_exempt", ".py")
    raise Unmet(
        "csrf-unprotected",
        f"a form without its token was answered with {forged.status} and became a task",
        expected="status 403",
        at=exempt or middleware,
    )
