"""Stage 2 · view: it takes the form, calls the task with .delay(), and answers."""

import re
from collections.abc import Iterator

from tutorial.check.scene import Scene, Search
from tutorial.check.stages.stage_1_template import page_hangs, page_raises
from tutorial.check.unmet import Unmet

ANSWERED = (200, 201, 202, 302, 303)


def look(scene: Scene) -> str:
    """Check that a question is answered without an error."""
    search = scene.search = scene.ask(scene.question("view"))
    answer = search.answer
    if answer.status == 0:
        raise Unmet(
            "view-waits",
            f"the view has not answered after {answer.seconds:.0f} s",
            expected="an answer at once",
        )
    if answer.status not in ANSWERED:
        raise _refusal(scene, search)
    if "errorlist" in answer.html:
        raise form_refuses(search)
    _look_after_redirect(scene, search)
    said = " ".join(search.words().split()[:8])
    said = f"answered with “{said}”" if said else f"answered with {answer.status}"
    return f"{said} after {answer.seconds:.2f} s"


def findings(scene: Scene) -> Iterator[Unmet]:
    """Check what the page says, what the view refuses, and that there is a session.

    After a question, the page must say something new. The view must refuse bad
    questions and forged forms. The visitor must get a session.
    """
    search = scene.search
    if not search.words().replace(search.question, "").strip():
        yield Unmet(
            "nothing-said",
            "after the form is sent, the page says the same as before",
            expected="words such as “Search has started!”",
        )
    yield from _bad_questions(scene)
    yield from _forged_form(scene)
    if all(cookie.name == "csrftoken" for cookie in scene.search.visitor.cookies):
        yield Unmet(
            "user-none",
            "the visitor has no session",
            expected="a visitor with a session, and so with a user id",
        )


def _refusal(scene: Scene, search: Search) -> Unmet:
    """Return the mistake to report if a good question was answered with an error."""
    status = search.answer.status
    expected = "an answer to the form, and a call to the task"
    seen = f"the form was answered with status {status}"
    if status >= 500:
        found = page_raises(scene.path, search.answer)
        found.mistake = "view-raises"
        return found
    if status == 405:
        return Unmet("no-view-takes-post", seen, expected=expected)
    if status == 403:
        return Unmet("csrf-refused", seen, expected=expected)
    if status == 404:
        seen = "the form is sent to an address that responds with status 404"
        return Unmet("form-action", seen, expected=expected)
    return form_refuses(search)


def form_refuses(search: Search) -> Unmet:
    """Return the mistake to report if the view refused a good question."""
    said = search.words() or "nothing new"
    return Unmet(
        "form-refuses-question",
        f"status {search.answer.status}, and the page says: {said[:120]}",
        expected="a good question that is accepted",
    )


def _look_after_redirect(scene: Scene, search: Search) -> None:
    """Check that the page to which the view redirects exists."""
    search.words()
    after = search.after or search.answer
    if after.status == 0:
        raise page_hangs(scene.path, after)
    if after.status >= 500:
        raise page_raises(scene.path, after)
    if after.status == 404:
        raise Unmet(
            "redirect-nowhere",
            f"after the form is sent, the browser is redirected to"
            f" {search.answer.location}: 404",
            expected="a page that says that the search has started",
        )


def is_taken(scene: Scene, search: Search) -> bool:
    """Whether a question was accepted like the first question, which is a good one.

    An accepted question becomes a message in Redis. If Celery is eager, there are no
    messages. Then the page must answer as it answered the first question.
    """
    scene.redis.sync()
    good = scene.search
    if scene.messages_since(good.mark):
        return bool(scene.messages_since(search.mark))
    same = search.answer.status == good.answer.status
    return same and _gist(search) == _gist(good)


def _gist(search: Search) -> str:
    """Return the new text of the page, but leave out the question and all numbers."""
    words = search.words()
    if search.question.strip():
        words = words.replace(search.question, "")
    return re.sub(r"\d+|\s+", " ", words).strip()


def _bad_questions(scene: Scene) -> Iterator[Unmet]:
    """Check that the view refuses empty and overlong questions with a message."""
    form = scene.visitor().form()
    limit = form.texts.get(form.text_field)
    bad = {"an empty question": "", "a question of spaces": "   "}
    if limit:
        bad[f"a question of {limit + 1} characters"] = "x" * (limit + 1)
    for what, question in bad.items():
        search = scene.bad[what] = scene.ask(question)
        if search.answer.status >= 500:
            found = page_raises(scene.path, search.answer)
            found.finding = "unsafe"
            yield found
        elif is_taken(scene, search):
            yield bad_question_taken(what)
        elif not search.words():
            yield Unmet(
                "no-error-shown",
                f"{what} was refused without an error message",
                expected="an error at the form",
            )


def bad_question_taken(what: str) -> Unmet:
    """Return the mistake to report if a bad question was accepted.

    A bad question is an empty one, for example.
    """
    return Unmet(
        "bad-question-taken",
        f"{what} was passed to a task",
        expected="an error at the form, and no task",
    )


def _forged_form(scene: Scene) -> Iterator[Unmet]:
    """Check that a form without its CSRF token is refused."""
    forged = scene.ask(scene.question("token"), scene.search.visitor, token="")
    if forged.answer.status != 403 and is_taken(scene, forged):
        yield Unmet(
            "csrf-unprotected",
            "a form without its token was answered with"
            f" {forged.answer.status}, and its question was passed to a task",
            expected="status 403",
        )
