"""Searches in a browser as a person does, and follows the search through all stages.

The checks of the stages send a plain HTML form, from a page that anyone may open. Many
projects work in a different way: a script sends JSON, the page requires a login, the
WebSocket opens after the question, or an answer comes in pieces. If a stage does not
pass, this search shows whether the flow gets further in a browser.
"""

import contextlib
import json
import re
import time
import urllib.parse
from collections.abc import Iterator

from playwright.sync_api import Error

from tutorial.check.scene import (
    DONE,
    Opened,
    OpenPage,
    Scene,
    Search,
    first_words,
    squeeze,
)
from tutorial.check.stages.browsing import (
    brings,
    instead,
    plain,
    shows,
    text_of,
    wait,
    words_of,
)
from tutorial.check.stages.person import Person
from tutorial.check.stages.stage_1_template import look_at_address, script_throws
from tutorial.check.stages.stage_3_queue import find_message, look_at_arguments
from tutorial.check.stages.stage_4_worker import look_at_api, look_at_worker
from tutorial.check.stages.stage_5_signal import broadcast_of, not_broadcast
from tutorial.check.stages.stage_6_consumer import binary_frame
from tutorial.check.traffic import joined
from tutorial.check.unmet import Unmet
from tutorial.runtime.waiting import pause_in
from tutorial.visitor.sockets import NoSocket
from tutorial.visitor.visitor import Answer

# The topics of the two questions that are asked on the same page. The answers differ.
QUESTIONS = ("consumer", "worker")

# What JavaScript writes into an address for a missing value.
NO_VALUE = re.compile(r"\b(undefined|null|NaN|object(%20| )\w+)\b")
SENT = 5.0  # seconds until the page has sent the form
ANSWERED = 3.0  # seconds from the view's response until the message is in Redis
ARRIVES = 5.0  # seconds from the broadcast until the browser has the frame
SHOWN = 3.0  # seconds from the frame until the page shows the answer


def follow(scene: Scene) -> Iterator[tuple[int, str]]:
    """Search twice on one page. Yield each passed stage's number and evidence.

    Raises Unmet at the first stage that does not pass.
    """
    person = scene.person = Person(scene)
    scene.opened = person.opened
    _, events = scene.now()
    scene.mine = Opened(scene.visitor(), "", None, [], scene.redis.mark(), events)
    person.find_form()
    scene.pause = pause_in(person.opened.page)
    first = None  # the failure of the first form, and the address of its page
    while True:
        reached = 0
        try:
            for about in QUESTIONS:
                for reached, words in _search(scene, person, about):
                    yield reached, words
            return
        except Unmet as unmet:
            first = first or (unmet, scene.path)
            if reached >= 3:
                raise
            # The form may have a different purpose, such as a newsletter.
            if not person.find_next_form():
                scene.path = first[1]
                raise first[0] from None


def _search(scene: Scene, person: Person, about: str) -> Iterator[tuple[int, str]]:
    """Ask a question. Yield the number and the evidence of each stage that passes."""
    opened, question = person.opened, scene.question(about)
    page = opened.page
    mark, events = scene.now()
    started = time.monotonic()
    person.ask(question)

    def seconds() -> float:
        return time.monotonic() - started

    def is_up() -> bool:
        """Whether the page sent the question through a WebSocket."""
        return any(question in plain(frame) for frame in opened.sent_frames)

    wait(page, lambda: opened.answers or is_up() or scene.messages_since(mark), SENT)
    wait(page, lambda: opened.answers or not opened.posts, ANSWERED)
    answer = _answer(opened, seconds())
    search = Search(question, scene.visitor(), frozenset(), mark, events, answer)
    scene.search = scene.live = search
    wait(page, lambda: scene.messages_since(mark), ANSWERED)
    is_sent = bool(scene.messages_since(mark))
    if not is_sent and not is_up():
        _look_at_sending(opened, question)
    yield 1, f"a person can ask a question at {scene.path}"
    if is_up():
        yield 2, _look_at_question_in_frame(scene, opened, is_sent)
    else:
        if not is_sent or answer.status >= 500:
            _look_at_answer(opened, answer)
        yield 2, f"answered with status {answer.status} after {answer.seconds:.2f} s"
    message = scene.message = find_message(scene, search)
    if message is None:
        seen = f"no message entered Redis; the view sent status {answer.status}"
        raise Unmet("message-elsewhere", seen, expected="a message in Redis")
    look_at_arguments(scene, search, message)
    yield 3, f"a message for {message.task} in Redis (list {message.queue})"
    look_at_worker(scene)
    wanted = first_words(look_at_api(scene, search))
    yield 4, f"the API was called, and {_look_at_row(scene, search, opened, wanted)}"
    if not is_heard(opened, wanted) and broadcast_of(scene, search, DONE) is None:
        seen = "the answer is saved, but Redis got nothing for a group"
        raise not_broadcast(scene, search, seen)
    yield 5, _said(scene, search)
    _look_at_frames(scene, search, opened, wanted)
    yield 6, f"a frame came: {_shown(opened, wanted)[:50]}…"
    _look_at_dom(opened, wanted)
    scene.search_seconds = scene.search_seconds or seconds()
    yield 7, f"the page shows “{wanted}…”"


def _look_at_scripts(opened: OpenPage) -> None:
    """Check that the server has all scripts that the page loads."""
    for status, url in opened.no_scripts:
        path = urllib.parse.urlsplit(url).path
        raise Unmet(
            "script-missing",
            f"{path} was answered with status {status}",
            expected=f"the page's script at {path}",
        )


def _look_at_question_in_frame(scene: Scene, opened: OpenPage, is_sent: bool) -> str:
    """Return the evidence if the page sent the question through a WebSocket.

    Such a search is a finding, because it needs no form and no view. Raises Unmet if no
    task was called.
    """
    url = next((url for url, error in reversed(opened.sockets) if not error), "")
    path = urllib.parse.urlsplit(url).path
    words = f"the question was sent through the WebSocket at {path}, without a view"
    if not is_sent:
        raise Unmet(
            "consumer-does-the-work",
            f"{words}; no message entered Redis, so no task was called, either",
            expected="a task that calls the API",
        )
    found = Unmet("asks-by-socket", words, expected="a form, and a view that takes it")
    found.finding = "differs"
    scene.differs.append(found)
    return words


def _answer(opened: OpenPage, seconds: float) -> Answer:
    status = opened.answers[-1][0] if opened.answers else 0
    return Answer(status, "", seconds)


def _look_at_sending(opened: OpenPage, question: str) -> None:
    """Check that the page sent the question in a request that is not a GET."""
    if opened.answers or opened.posts:
        return
    if opened.errors or opened.load_errors:
        raise script_throws([*opened.load_errors, *opened.errors][0])
    _look_at_scripts(opened)
    if question in urllib.parse.unquote_plus(opened.page.url):
        raise Unmet(
            "form-not-post",
            "the question went into the address of the page",
            expected='a form with method="post"',
        )
    said = f"; the console says: {opened.console[0]}" if opened.console else ""
    raise Unmet(
        "form-not-sent",
        f"the button was pressed, but nothing was sent{said}",
        expected="a request with the question",
        stage=1,
    )


def _look_at_answer(opened: OpenPage, answer: Answer) -> None:
    """Check that the view accepted the question."""
    if 0 < answer.status < 400:
        return
    is_form = "document" in opened.posts
    mistake = {
        0: "view-waits",
        403: "csrf-token-missing" if is_form else "csrf-missing-in-fetch",
        404: "form-action",
        405: "no-view-takes-post",
    }.get(answer.status, "form-refuses-question")
    if answer.status >= 500:
        mistake = "view-raises"
    raise Unmet(
        mistake,
        f"the question was answered with status {answer.status}{_words(opened)}",
        expected="an answer to the form, and a call to the task",
        stage=2,
    )


def _words(opened: OpenPage) -> str:
    """Return ": " and the text of the last response, or "" if it is a page."""
    with contextlib.suppress(Error):  # the browser may have discarded the response
        text = opened.responses[-1].text()
        return "" if "<" in text else f": {squeeze(text)[:120]}"
    return ""


def _look_at_row(scene: Scene, search: Search, opened: OpenPage, wanted: str) -> str:
    """Say where the API's answer is: in the database, or on its way to the page.

    Raises Unmet if the answer is in neither place.
    """
    if not scene.databases():
        return "it answered; `check` cannot see the project's database"
    scene.wait(lambda: scene.is_in_database(wanted), DONE, search)
    if scene.is_in_database(wanted):
        return "the answer is in the database"
    if is_heard(opened, wanted):
        return "it answered; the answer is on its way to the page, but not saved"
    seen = "the API has answered, but the database does not have the answer"
    raise Unmet("not-saved", seen, expected=f"a row with the answer, “{wanted}…”")


def _said(scene: Scene, search: Search) -> str:
    sent = broadcast_of(scene, search, 0)
    return sent.words if sent else "the answer arrived without a message for a group"


def _look_at_frames(
    scene: Scene, search: Search, opened: OpenPage, wanted: str
) -> None:
    """Check that the answer arrived through a WebSocket, in one frame or in pieces."""
    wait(opened.page, lambda: is_heard(opened, wanted) and opened.frames, ARRIVES)
    if is_heard(opened, wanted) and opened.frames:
        return
    if is_heard(opened, wanted):
        raise Unmet(
            "answer-without-frame",
            "the page shows the answer, but no frame arrived through a WebSocket",
            expected="a frame with the answer, through the WebSocket",
        )
    if not opened.sockets:
        # The browser does not report a WebSocket before its handshake.
        for url in opened.page.evaluate("socketsOfThePage.map((one) => one.url)"):
            look_at_address(scene, url)
        _look_at_scripts(opened)
        raise Unmet(
            "no-socket",
            "the page has opened no WebSocket, before or after the question",
            expected="a script that calls new WebSocket(...)",
        )
    # A script may reconnect repeatedly, so its last WebSocket may still be opening.
    last = opened.sockets[-1][0]
    refused = [one for one in opened.sockets if one[0] == last and one[1]]
    url, error = (refused or opened.sockets)[-1]
    path = urllib.parse.urlsplit(url).path
    if error and NO_VALUE.search(urllib.parse.urlsplit(url).path):
        raise Unmet(
            "socket-address-undefined",
            f"the script opens {path}",
            expected="the address of a WebSocket",
        )
    if error:
        look_at_address(scene, url)
        status = re.search(r"\b([45]\d\d)\b", error)
        unmet = Unmet(
            "socket-refused",
            f"{path} did not open: {error}",
            expected=f"a WebSocket that opens at {path}",
        )
        raise unmet from NoSocket(error, int(status[1]) if status else None)
    if opened.frames:
        frame = squeeze(" ".join(words_of(opened.frames[-1])))
        sent = scene.broadcasts_since(search.mark)
        came_so = any(frame in squeeze(plain(str(one.event))) for one in sent)
        raise Unmet(
            "frame-without-answer",
            f"the frame is {squeeze(opened.frames[-1])[:120]}",
            expected=f"a frame with the answer, “{wanted}…”",
            stage=5 if frame and came_so else None,
        )
    groups = joined(scene.redis.since(scene.mine.mark, "group"))
    where = f" in the group {groups[-1]}" if groups else ""
    raise Unmet(
        "no-frame",
        f"the message for the group was published, but no frame came; {path} is"
        f" open{where}",
        expected="a frame with the answer, through the WebSocket",
    )


def _shown(opened: OpenPage, wanted: str) -> str:
    """Return the frame with the answer, or else the last one, without JSON escapes."""
    whole = (frame for frame in opened.frames if brings([frame], wanted))
    frame = next(whole, opened.frames[-1])
    with contextlib.suppress(ValueError):
        frame = json.dumps(json.loads(frame), ensure_ascii=False)
    return frame


def _look_at_dom(opened: OpenPage, wanted: str) -> None:
    """Check that the page shows the answer without a reload."""
    page = opened.page
    if wait(page, lambda: shows(page, wanted), SHOWN):
        return
    if opened.binary:
        raise binary_frame(opened.binary[0])
    if opened.errors:
        unmet = script_throws(opened.errors[0])
        unmet.stage = 7
        if opened.frames:
            unmet.seen += f"; the frame is {_shown(opened, wanted)[:150]}"
        raise unmet
    shown = instead(text_of(page)) or "nothing of it"
    frame = opened.frames[-1][:80] if opened.frames else ""
    raise Unmet(
        "not-in-page",
        f"the frame came, {frame}…, but the page shows {shown}",
        expected=f"“{wanted}…” on the page",
    )


def is_heard(opened: OpenPage, wanted: str) -> bool:
    """Whether the frames or the page already contain the answer."""
    return brings(opened.frames, wanted) or shows(opened.page, wanted)
