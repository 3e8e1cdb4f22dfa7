"""Stage 2 · view: the form is taken, checked, and answered: "Search has started!"."""

import uuid

from tutorial.visitor.site import Site, Unmet
from tutorial.visitor.visitor import Visitor

MISSING = "The form was answered with status 405: no view takes a POST there"

BAD_QUESTIONS = {
    "an empty question": "",
    "a question of blanks": "   ",
    "a question of 201 characters": "x" * 201,
    "a question with a control character": "a\x07b",
}


def check(site: Site) -> str:
    """A question is answered with a start; a bad one with an error, and no task."""
    visitor = Visitor(site)
    answer = visitor.ask(f"What is a view? {uuid.uuid4()}")
    if answer.status == 405:
        raise Unmet(MISSING)
    if answer.status not in (200, 302, 303):
        raise Unmet(f"The form was answered with status {answer.status}")
    if answer.location:
        answer = visitor.get(answer.location)
    if "Search has started!" not in answer.page.text:
        raise Unmet('The page after the form does not say "Search has started!"')
    before = Visitor(site).get().page.text
    for what, question in BAD_QUESTIONS.items():
        _check_refusal(Visitor(site), what, question, before)
    forged = visitor.ask("Who asks this?", token="")
    if forged.status != 403:
        raise Unmet(f"A form without a CSRF token was answered with {forged.status}")
    if not any(cookie.name != "csrftoken" for cookie in visitor.cookies):
        raise Unmet("The visitor has no session, and so no user to answer to")
    return f"the page says “Search has started!”; {len(BAD_QUESTIONS)} bad ones refused"


def _check_refusal(visitor: Visitor, what: str, question: str, before: str) -> None:
    with visitor.site.watch_redis() as watch:
        answer = visitor.ask(question)
        # What the form's request sent to Redis was sent before it was answered.
        message = watch.find(lambda command: command.startswith("LPUSH celery"), 0.2)
    if message:
        raise Unmet(f"{what.capitalize()} became a task")
    if answer.status not in (400, 422):
        raise Unmet(f"{what.capitalize()} was answered with status {answer.status}")
    if answer.page.text == before:
        raise Unmet(f"{what.capitalize()} got no message at the form")
