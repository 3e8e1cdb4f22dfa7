"""A search that a person makes in a browser, followed through all stages.

The stages ask with an HTML form that is sent as such, at a page that anyone may open.
Many projects that work ask in another way: a script sends JSON, the page is behind a
log-in, the WebSocket opens after the question, or an answer comes in pieces. Where a
stage does not hold, this search shows whether the flow goes further in a browser.
"""

import contextlib
import re
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

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
    PATIENCE,
    brings,
    fill_and_send,
    listen,
    plain,
    question_field,
    text_of,
    wait,
    words_of,
)
from tutorial.check.stages.stage_1_template import script_throws
from tutorial.check.stages.stage_3_queue import find_message, look_at_arguments
from tutorial.check.stages.stage_4_worker import look_at_api, look_at_worker
from tutorial.check.stages.stage_5_signal import broadcast_of, not_broadcast
from tutorial.check.traffic import joined
from tutorial.check.unmet import Unmet
from tutorial.visitor.sockets import NoSocket
from tutorial.visitor.visitor import Answer

# What is asked, one after the other, in the same page. The answers differ.
QUESTIONS = ("consumer", "worker")

# Addresses that hold no form for a question.
UNWANTED = re.compile(r"/(admin|static|media)/|(log|sign)-?_?(out|up)", re.I)
PASSWORDS = "[type=password]:visible"
# What JavaScript makes of a value that is not there, in an address.
NO_VALUE = re.compile(r"\b(undefined|null|NaN|object(%20| )\w+)\b")
MOST_PAGES = 15  # that are opened to find the form
SENT = 5.0  # seconds in which a form leaves the page
ANSWERED = 3.0  # seconds in which its message reaches Redis
ARRIVES = 5.0  # seconds from the broadcast to the browser
SHOWN = 3.0  # seconds from the frame to the page

PASSWORD = "correct horse battery staple"
NAME = "tutorial_check"
EMAIL = "check@example.org"

# Makes a user of the project's own model, with a value for each required field.
MAKE_USER = f"""
from django.contrib.auth import get_user_model
from django.db.models import EmailField
model = get_user_model()
fields = {{name: {NAME!r} for name in model.REQUIRED_FIELDS}}
for name in {{model.USERNAME_FIELD, *fields}}:
    is_email = isinstance(model._meta.get_field(name), EmailField)
    fields[name] = {EMAIL!r} if is_email else {NAME!r}
model.objects.create_user(password={PASSWORD!r}, **fields)
print("user:", fields[model.USERNAME_FIELD])
"""


def follow(scene: Scene) -> Iterator[tuple[int, str]]:
    """Search twice in one page: yields the number of each stage that holds, and why.

    Raises Unmet at the first stage that does not hold.
    """
    page = _Person(scene).open_page()
    for about in QUESTIONS:
        yield from _search(scene, page, about)


class _Person:
    """A visitor who looks for the form, and logs in where the project requires it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._name = ""  # to log in with
        self._is_refused = False

    def open_page(self) -> OpenPage:
        """The page with a field for the question. Raises Unmet where there is none."""
        scene = self._scene
        context = scene.keep(contextlib.closing(scene.browser.new_context()))
        context.set_default_timeout(PATIENCE * 1000)
        _, events = scene.now()
        opened = scene.opened = OpenPage(context.new_page())
        scene.mine = Opened(scene.visitor(), "", None, [], scene.redis.mark(), events)
        listen(opened)
        page, seen = opened.page, set()
        paths = [scene.site.url, *(scene.site.url + path for path in scene.paths)]
        while paths and len(seen) < MOST_PAGES:
            url = paths.pop(0)
            if url in seen or UNWANTED.search(url):
                continue
            seen.add(url)
            with contextlib.suppress(Error):  # an empty answer, for example
                page.goto(url)
                if page.locator(PASSWORDS).count() and not self._name:
                    self._log_in(page)
                    page.goto(url)
                if question_field(page):
                    scene.path = urllib.parse.urlsplit(page.url).path
                    opened.forget()
                    return opened
                paths += _links(page, scene.site.url)
        if self._is_refused:
            raise Unmet(
                "log-in-refused",
                f"a user that the check has made, {self._name}, was not logged in at"
                f" {scene.path}",
                expected="a page that needs a log-in",
            )
        raise Unmet(
            "no-form",
            f"no field for a question in {len(seen)} pages that were opened",
            expected="a page with a form",
        )

    def _log_in(self, page: Any) -> None:
        made = self._scene.project.manage("shell", "-v", "0", "-c", MAKE_USER)
        found = re.search(r"^user: (.*)$", made.stdout, re.M)
        self._name = found[1] if found else NAME
        form = page.locator("form:has([type=password])").first
        form.locator("[type=password]").first.fill(PASSWORD)
        name = form.locator("[type=text], [type=email], input:not([type])").first
        fill_and_send(name, self._name)
        if not wait(page, lambda: not _count(page, PASSWORDS), SENT):
            self._is_refused = True
            self._scene.path = urllib.parse.urlsplit(page.url).path


def _links(page: Any, url: str) -> list[str]:
    """The pages of the same site that the page links to."""
    links = page.eval_on_selector_all(
        "a[href]", "links => links.map(link => link.href.split('#')[0])"
    )
    return [link for link in links if link.startswith(url)]


def _count(page: Any, selector: str) -> int:
    """How many elements there are; 1 while the page is being loaded."""
    with contextlib.suppress(Error):
        return page.locator(selector).count()
    return 1


def _search(scene: Scene, opened: OpenPage, about: str) -> Iterator[tuple[int, str]]:
    """Ask a question, and look at what it leaves at each stage."""
    page, question = opened.page, scene.question(about)
    if not (field := question_field(page)):
        page.goto(scene.site.url + scene.path)
        field = question_field(page)
    opened.forget()
    mark, events = scene.now()
    started = time.monotonic()
    fill_and_send(field, question)

    def seconds() -> float:
        return time.monotonic() - started

    wait(page, lambda: opened.answers or scene.messages_since(mark), SENT)
    wait(page, lambda: opened.answers or not opened.posts, ANSWERED)
    answer = _answer(opened, seconds())
    search = Search(question, scene.visitor(), frozenset(), mark, events, answer)
    scene.search = scene.live = search
    wait(page, lambda: scene.messages_since(mark), ANSWERED)
    is_sent = bool(scene.messages_since(mark))
    if not is_sent:
        _look_at_sending(opened, question)
    yield 1, f"a person can ask at {scene.path}"
    if not is_sent:
        _look_at_answer(answer)
    yield 2, f"answered with status {answer.status} after {answer.seconds:.2f} s"
    message = scene.message = find_message(scene, search)
    if message is None:
        seen = f"no message entered Redis; the answer had status {answer.status}"
        raise Unmet("no-message", seen, expected="a message in Redis")
    look_at_arguments(scene, search, message)
    yield 3, f"a message for {message.task} in Redis (list {message.queue})"
    look_at_worker(scene)
    wanted = first_words(look_at_api(scene, search))
    _look_at_row(scene, search, opened, wanted)
    yield 4, "the API was asked, and answered"
    if not _is_heard(opened, wanted) and broadcast_of(scene, search, DONE) is None:
        raise not_broadcast("the answer is saved, and Redis got nothing for a group")
    yield 5, _said(scene, search)
    _look_at_frames(scene, search, opened, wanted)
    yield 6, f"a frame came: {(opened.frames or ['…'])[-1][:50]}…"
    _look_at_dom(opened, wanted)
    scene.search_seconds = scene.search_seconds or seconds()
    yield 7, f"the page shows “{wanted}…”"


def _answer(opened: OpenPage, seconds: float) -> Answer:
    status = opened.answers[-1][0] if opened.answers else 0
    return Answer(status, "", seconds)


def _look_at_sending(opened: OpenPage, question: str) -> None:
    """The question has left the page in a request that is no GET."""
    if opened.answers or opened.posts:
        return
    if opened.errors:
        raise script_throws(opened.errors[0])
    if opened.no_scripts:
        status, url = opened.no_scripts[0]
        path = urllib.parse.urlsplit(url).path
        raise Unmet(
            "script-missing",
            f"{path} was answered with status {status}",
            expected=f"the page's script at {path}",
        )
    if question in urllib.parse.unquote_plus(opened.page.url):
        raise Unmet(
            "form-not-post",
            "the question went into the address of the page",
            expected='a form with method="post"',
        )
    said = f"; the console says: {opened.console[0]}" if opened.console else ""
    raise Unmet(
        "form-not-sent",
        f"the button was pressed, and nothing was sent{said}",
        expected="a request with the question",
        stage=1,
    )


def _look_at_answer(answer: Answer) -> None:
    """The view took the question."""
    if 0 < answer.status < 400:
        return
    mistake = {
        0: "view-waits",
        403: "csrf-missing-in-fetch",
        404: "form-action",
        405: "no-view-takes-post",
    }.get(answer.status, "form-refuses-question")
    if answer.status >= 500:
        mistake = "view-raises"
    raise Unmet(
        mistake,
        f"the question was answered with status {answer.status}",
        expected="an answer to the form, and a call of the task",
        stage=2,
    )


def _look_at_row(scene: Scene, search: Search, opened: OpenPage, wanted: str) -> None:
    """The answer is saved, where the database can be seen, or it is on its way."""
    if not scene.databases():
        return
    scene.wait(lambda: scene.is_in_database(wanted), DONE, search)
    if scene.is_in_database(wanted) or _is_heard(opened, wanted):
        return
    seen = "the API has answered, and the database does not have the answer"
    raise Unmet("not-saved", seen, expected=f"a row with the answer, “{wanted}…”")


def _said(scene: Scene, search: Search) -> str:
    sent = broadcast_of(scene, search, 0)
    return sent.words if sent else "the answer was broadcast"


def _look_at_frames(
    scene: Scene, search: Search, opened: OpenPage, wanted: str
) -> None:
    """The answer came down a WebSocket, in one frame or in pieces."""
    wait(opened.page, lambda: _is_heard(opened, wanted), ARRIVES)
    if _is_heard(opened, wanted):
        return
    if not opened.sockets:
        raise Unmet(
            "no-socket",
            "the page has opened no WebSocket, before or after the question",
            expected="a script that calls new WebSocket(...)",
        )
    url, error = opened.sockets[-1]
    path = urllib.parse.urlsplit(url).path
    if error and NO_VALUE.search(url):
        raise Unmet(
            "socket-address-undefined",
            f"the script opens {path}",
            expected="the address of a WebSocket",
        )
    if error:
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
        f"the message for the group was published, and no frame came; {path} is"
        f" open{where}",
        expected="a frame with the answer, down the WebSocket",
    )


def _look_at_dom(opened: OpenPage, wanted: str) -> None:
    """The page shows the answer, without a reload."""
    page = opened.page
    if wait(page, lambda: _shows(page, wanted), SHOWN):
        return
    if opened.errors:
        unmet = script_throws(opened.errors[0])
        unmet.stage = 7
        raise unmet
    shown = "“undefined”" if "undefined" in text_of(page) else "nothing of it"
    frame = opened.frames[-1][:80] if opened.frames else ""
    raise Unmet(
        "not-in-page",
        f"the frame came, {frame}…, and the page shows {shown}",
        expected=f"“{wanted}…” in the page",
    )


def _is_heard(opened: OpenPage, wanted: str) -> bool:
    """Whether the frames or the page have the answer already."""
    return brings(opened.frames, wanted) or _shows(opened.page, wanted)


def _shows(page: Any, wanted: str) -> bool:
    with contextlib.suppress(Error):  # the page is being loaded
        return wanted in text_of(page)
    return False
