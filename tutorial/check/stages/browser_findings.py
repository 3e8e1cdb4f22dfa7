"""Finds what is unsafe or unreliable in a project that works in a browser.

The stages' own checks send a plain HTML form. The checks here use the page as a person
does, so they also fit a project that sends the question in a different way.
"""

import secrets
from collections.abc import Iterator
from typing import Any

from tutorial.check.scene import DONE, Scene, first_words
from tutorial.check.stages.browser_search import is_heard
from tutorial.check.stages.browsing import brings, shows, text_of, wait
from tutorial.check.stages.person import Person
from tutorial.check.stages.stage_4_worker import (
    BURST,
    answers_to,
    burst_fails,
    does_not_end,
)
from tutorial.check.stages.stage_6_consumer import (
    EVIL,
    HANDSHAKE,
    is_secret,
    others_socket,
)
from tutorial.check.stages.stage_7_browser import HACKED, SCRIPT
from tutorial.check.traffic import joined
from tutorial.check.unmet import Unmet
from tutorial.runtime.waiting import wait_for
from tutorial.visitor.sockets import NoSocket, open_socket
from tutorial.visitor.visitor import Visitor

# The topics of the questions that two people ask at the same moment. The answers
# differ.
TWO_QUESTIONS = ("signal", "browser")

JOINS = 0.5  # seconds that a consumer may take to join its group
SHOWN = 1.5  # seconds that a page may take to show an answer

# JavaScript that sends a request with several bodies at once, and returns the status of
# each response.
SEND_AT_ONCE = """({url, method, headers, bodies}) => Promise.all(
  bodies.map(async (body) => {
    const signal = AbortSignal.timeout(12000);
    try {
      return (await fetch(url, {method, headers, body, signal})).status;
    } catch {
      return 0;
    }
  })
)"""

# Headers that a script may not set, or that are valid for one request only.
OWN_HEADERS = ("host", "origin", "referer", "user-agent", "cookie", "content-length")


def _leaving(scene: Scene) -> Iterator[Unmet]:
    """Yield what the searches revealed, and whether the browser left the page."""
    yield from scene.differs
    if scene.opened.was_left:
        # If the answer arrived while no page was open, a new page should show it.
        page = scene.opened.page
        answer = scene.answered(scene.search.question)["answer"]
        page.goto(scene.site.url + scene.path)
        is_caught_up = wait(page, lambda: shows(page, first_words(answer)), SHOWN)
        yield Unmet(
            "page-reloads",
            "the browser left the page when the form was sent, so the page's WebSocket"
            " closed",
            expected="a page that is not reloaded, and shows the answer when the frame"
            " arrives",
            finding="differs" if is_caught_up else "unsafe",
        )


def _socket_url(scene: Scene) -> str:
    """Return the address of the last WebSocket that the first person's page opened."""
    opened = [url for url, error in scene.opened.sockets if not error]
    return opened[-1] if opened else ""


def _joins(scene: Scene, person: Person, origin: str) -> tuple[bool, list[str]]:
    """Open the first page's WebSocket as `person`.

    Return whether it opens, and the groups that its consumer joins.
    """
    visitor = Visitor(scene.site, scene.path)
    visitor.take_cookies(person.cookies)
    used = "socketsOfThePage.map((one) => one.protocol).filter(Boolean)"
    protocols = scene.opened.page.evaluate(used)
    mark, url = scene.redis.mark(), _socket_url(scene)
    try:
        socket = open_socket(
            visitor, origin, url=url, protocols=protocols, patience=HANDSHAKE
        )
    except NoSocket:
        return False, []
    with socket:
        return True, wait_for(lambda: joined(scene.redis.since(mark, "group")), JOINS)


def _origin(scene: Scene) -> Iterator[Unmet]:
    """Check that another site's page gets no WebSocket with the visitor's cookies."""
    if _socket_url(scene) and _joins(scene, scene.person, EVIL)[0]:
        yield Unmet(
            "origin-unchecked",
            f"a WebSocket with the Origin {EVIL} was opened with the visitor's cookies",
            expected="status 403 for a page of another site",
            stage=6,
        )


def _burst(scene: Scene) -> Iterator[Unmet]:
    """Check that the last question, sent ten times at once, is answered each time.

    Requests that the project refuses, for example by a rate limit, do not count.
    """
    page, last = scene.opened.page, scene.search.question
    if scene.search.events.first("enqueued"):
        scene.wait_for_end(scene.search)
    if scene.still_runs(scene.search):
        yield does_not_end(scene)
        return
    old = last.rpartition(" ")[2]
    sent = [request for request in scene.opened.sent if old in _body(request)]
    if not sent:
        scene.advice.append("not checked: many questions at once")
        return
    new = [secrets.token_hex(3) for _ in range(BURST)]
    answered = answers_to(scene, new)
    mark, scene.burst = scene.now()
    request = {
        "url": sent[0].url,
        "method": sent[0].method,
        "headers": {
            name: value
            for name, value in sent[0].headers.items()
            if name not in OWN_HEADERS and not name.startswith(("sec-", ":"))
        },
        "bodies": [_body(sent[0]).replace(old, token) for token in new],
    }
    page.evaluate(SEND_AT_ONCE, request)

    def taken() -> int:
        """Count the questions that were not refused, for example by a rate limit."""
        task = scene.message.task
        sent = [one for one in scene.messages_since(mark) if one.task == task]
        return min(BURST, len(sent))

    wait(page, lambda: answered() >= taken(), DONE)
    if answered() < taken():
        yield burst_fails(f"{taken()} questions were asked at once", answered())


def _body(request: Any) -> str:
    try:
        return request.post_data or ""
    except UnicodeDecodeError:  # the body is a file, for example
        return ""


def _two_people(scene: Scene) -> Iterator[Unmet]:
    """Check that two people who ask at the same moment get only their own answers."""
    people = (scene.person, Person(scene, 2))
    people[1].find_form(scene.path)
    questions = [scene.question(about) for about in TWO_QUESTIONS]
    _, scene.burst = scene.now()
    for person, question in zip(people, questions, strict=True):
        person.ask(question)
    pages = [person.opened for person in people]
    mine = joined(scene.redis.since(scene.mine.mark, "group"))

    def heard() -> list[str]:
        """Return the first words of each answer that reached the person who asked."""
        found = [scene.answered(question) for question in questions]
        words = [first_words(one["answer"]) if one else "" for one in found]
        pairs = zip(pages, words, strict=True)
        return [words for page, words in pairs if words and is_heard(page, words)]

    wait(pages[0].page, lambda: len(heard()) == len(people), DONE)
    answers = heard()
    if len(answers) < len(people):
        yield burst_fails("two people asked at the same moment", len(answers))
        return
    # The first page still shows answers to earlier questions.
    first, second = pages
    texts = [*second.frames, text_of(second.page)]
    strange = [text for text in first.frames if _tells(text, questions[1], answers[1])]
    strange += [text for text in texts if _tells(text, questions[0], answers[0])]
    if strange:
        yield Unmet(
            "group-shared",
            "two people asked at the same moment, and one of them got the other's"
            f" search as well: {strange[0][:80]}",
            expected="an answer that reaches only the visitor who asked",
            stage=6,
        )

    url = _socket_url(scene)
    if url and not is_secret(url) and people[1].opened.sockets[-1:] != [(url, "")]:
        _, groups = _joins(scene, people[1], scene.site.url)
        if set(groups) & set(mine):
            yield others_socket(groups[0])


def _tells(text: str, question: str, answer: str) -> bool:
    return question in text or brings([text], answer)


def _html(scene: Scene) -> Iterator[Unmet]:
    """Check that a script in an answer does not run."""
    page = scene.opened.page
    scene.person.ask(SCRIPT)
    wait(page, lambda: scene.answered(SCRIPT), DONE)
    wait(page, lambda: page.title() == HACKED or "<script>" in text_of(page), SHOWN)
    if page.title() == HACKED:
        yield Unmet(
            "inner-html",
            "an answer with HTML in it became HTML in the page, and its script ran",
            expected="the answer's text, whatever it contains",
        )


# The checks, each with a description for the report.
LOOKS = {
    _leaving: "whether the page stays",
    _origin: "the origin of a WebSocket",
    _burst: "many questions at once",
    _two_people: "two people at once",
    _html: "an answer with HTML in it",
}
