"""Stage 7 · browser: the answer appears in the page, and the page is never reloaded."""

import re
import time
from collections.abc import Iterator

from playwright.sync_api import Error

from tutorial.check.mistakes import mistakes
from tutorial.check.scene import OpenPage, Scene, first_words, squeeze
from tutorial.check.stages.browsing import (
    PATIENCE,
    ask,
    instead,
    lines,
    open_page,
    pairs_of,
    shows,
    text_of,
    texts_of,
    wait,
)
from tutorial.check.stages.stage_1_template import message_of, script_throws
from tutorial.check.stages.stage_4_worker import REFUSED
from tutorial.check.stages.stage_6_consumer import binary_frame
from tutorial.check.unmet import Unmet
from tutorial.runtime.waiting import wait_for
from tutorial.visitor.sockets import ALL_OPEN, wait_in

# A question whose answer contains HTML with a script; see `tutorial/standin`.
SCRIPT = "simulate: script"
HACKED = "hacked"

# Parts of a browser's messages about errors in a script.
SCRIPT_ERROR = re.compile(
    r"is not (defined|a function|iterable)|Cannot (read|set) propert|\bundefined\b"
)

# How many seconds to wait for a frame that will probably not come.
QUIET = 1.5

# Seconds until a page must say that the server cannot be reached. The browser knows
# that at once.
OFFLINE = 1.0

# This question is about as long as the other questions, because a form may require a
# minimum length.
OFFLINE_QUESTION = "Is anybody there, or is the server gone?"

STAYS = "a page that is not reloaded, and shows the answer when the frame arrives"


def look(scene: Scene) -> str:
    """Check that a frame arrives, and its answer appears in the page with the form."""
    if scene.browser is None:
        raise Unmet(
            "no-browser",
            scene.no_browser.splitlines()[0],
            expected="a browser to open the page with",
        )
    opened = scene.opened = open_page(scene)
    if not wait_in(opened.page, ALL_OPEN, PATIENCE):
        if opened.errors:
            raise thrown(opened)
        words = "; ".join(opened.console[:2]) or "its console says nothing"
        raise Unmet(
            "socket-does-not-open",
            f"in the browser the page's WebSocket does not open: {words}",
            expected="an open WebSocket",
        )
    opened.page.on("framenavigated", lambda frame: opened.loads.append(frame.url))
    try:
        _look_for_answer(scene, opened)
    except Error as error:
        raise _stuck(opened, error) from error
    frame = opened.frames[0]
    return f"the page shows the answer without a reload; the frame: {frame[:50]}…"


def beyond(scene: Scene) -> str:
    """Check that the page stays when its form is sent. Raises Unmet if it does not.

    This is used if the flow breaks at an earlier stage.
    """
    if scene.browser is None:
        return ""
    opened = scene.opened = open_page(scene)
    opened.page.on("framenavigated", lambda frame: opened.loads.append(frame.url))
    ask(scene, opened.page, scene.question("page"))
    wait(opened.page, lambda: opened.posts or opened.loads, 3)
    if opened.sockets and (opened.loads or "document" in opened.posts):
        raise _reloaded()
    is_left = opened.loads or not opened.posts
    return "" if is_left else "the page stays when its form is sent"


def findings(scene: Scene) -> Iterator[Unmet]:
    """Check that the page says what happens, and shows answers as text.

    The page must not need a reload for that.
    """
    for found in _findings(scene, scene.opened):
        # The first search worked, so a break in a later search is only a finding.
        found.finding = found.finding or mistakes()[found.mistake].finding or "unsafe"
        yield found


def _findings(scene: Scene, opened: OpenPage) -> Iterator[Unmet]:
    try:
        yield from _words(opened)
        yield from _failure(scene, opened)
        unsafe = list(_html(scene, opened))
        yield from unsafe
        yield from _reload(opened, knows_html=bool(unsafe))
        if opened.errors:
            yield thrown(opened)
        _advise_offline(scene, opened)
    except Error as error:
        yield _stuck(opened, error)


def _stuck(opened: OpenPage, error: Error) -> Unmet:
    if opened.errors:
        return thrown(opened)
    if opened.loads or "document" in opened.posts:
        return _reloaded()
    return Unmet("browser-stuck", message_of(error), expected="a page that can be used")


def thrown(opened: OpenPage) -> Unmet:
    """Return the mistake for the first exception that the page's script raised."""
    unmet = script_throws(opened.errors[0])
    unmet.stage = 7
    unmet.expected = "a script that puts the frame's data into the page"
    if opened.frames:
        unmet.seen += f"; the frame is {opened.frames[-1][:150]}"
    return unmet


def _look_for_answer(scene: Scene, opened: OpenPage) -> None:
    """Send the form, and check that a frame comes and the answer appears."""
    page, question = opened.page, scene.question("DOM")
    before = set(lines(page))
    mark, started = scene.redis.mark(), time.monotonic()
    ask(scene, page, question)
    wait(page, lambda: opened.posts or opened.loads or opened.errors)
    wait(
        page,
        lambda: scene.messages_since(mark) or opened.loads or opened.refused,
        4,
    )
    _look_at_post(opened, bool(scene.messages_since(mark)))

    def said() -> list[str]:
        """Return the lines that are new in the page and did not come in a frame."""
        texts = [text for frame in opened.frames for text in texts_of(frame) or [frame]]
        brought = squeeze(" ".join([question, *texts])).casefold()
        new = [line for line in lines(page) if line not in before]
        return [line for line in new if line.casefold() not in brought]

    # The answer may soon replace the notice that the search has started, so the page is
    # read often.
    wait_for(
        lambda: said() or opened.frames, 3, lambda seconds: page.wait_for_timeout(20)
    )
    opened.said = said()
    wait(page, lambda: opened.frames or opened.loads or opened.errors)
    if opened.loads:
        raise _reloaded()
    if not opened.frames:
        raise Unmet(
            "no-frame-in-browser",
            "the question was sent, but no frame arrived through the page's WebSocket",
            expected=STAYS,
        )
    # The first frame may arrive before the API has answered.
    wait(page, lambda: (scene.answered(question) or {}).get("answer"), PATIENCE)
    request = scene.answered(question)
    wanted = first_words(request["answer"]) if request else question
    is_shown = wait(page, lambda: shows(page, wanted), 2)
    seconds = time.monotonic() - started
    if not is_shown and opened.binary:
        raise binary_frame(opened.binary[0])
    if not is_shown and opened.errors:
        raise thrown(opened)
    if opened.loads:
        raise _reloaded()
    if not is_shown:
        shown = text_of(page)
        part = "the question but not the answer" if question in shown else "nothing of"
        part = f"{part} it" if part.endswith("of") else part
        if other := instead(shown):
            part += f", but {other}"
        raise Unmet(
            "not-in-page",
            f"the frame came, {opened.frames[0][:80]}…, but the page shows {part}",
            expected=f"“{wanted}…” on the page",
        )
    scene.search_seconds = seconds
    opened.said += [line for line in said() if wanted not in line]


def _look_at_post(opened: OpenPage, is_sent: bool) -> None:
    """Check that the form reached the view, and that the page stayed."""
    if opened.loads or "document" in opened.posts:
        raise _reloaded()
    if is_sent:
        return
    if opened.errors:
        raise thrown(opened)
    if opened.refused:
        status, address = opened.refused[-1]
        seen = f"the script's request was answered with status {status}"
        if status == 403:
            raise Unmet("csrf-missing-in-fetch", seen, expected=STAYS)
        raise Unmet("fetch-refused", f"{seen} ({address})", expected=STAYS)
    what = "was sent, but no task was called" if opened.posts else "was not sent"
    said = f"; the console says: {opened.console[0]}" if opened.console else ""
    raise Unmet("form-not-sent", f"the form {what}{said}", expected=STAYS)


def _reloaded() -> Unmet:
    return Unmet(
        "page-reloads",
        "the browser left the page when the form was sent, so the page's WebSocket"
        " closed",
        expected=STAYS,
    )


def _words(opened: OpenPage) -> Iterator[Unmet]:
    """Check that the page says at once that the search has started.

    The page must not show an exception instead.
    """
    for line in opened.said:
        if SCRIPT_ERROR.search(line):
            yield Unmet(
                "script-throws",
                f"the page's script caught an exception, and the page shows it: {line}",
                expected=STAYS,
                stage=7,
            )
    if not opened.said:
        yield Unmet(
            "nothing-said",
            "the page said nothing about the search until the answer came",
            expected="words such as “Search has started!” when the form is sent",
            stage=7,
        )


def _failure(scene: Scene, opened: OpenPage) -> Iterator[Unmet]:
    """Check that a failure of the API arrives as a frame, too, and the page stays."""
    if scene.second is None:
        return  # the form refuses this question; stage 4 has reported that
    page, count = opened.page, len(opened.frames)
    before = set(text_of(page).split())
    ask(scene, page, REFUSED)
    # If the worker did not report the failure to the second visitor, it will not
    # report one to this visitor.
    patience = PATIENCE if scene.tells_of_failures else QUIET
    wait(page, lambda: len(opened.frames) > count or opened.errors, patience)
    is_silent = len(opened.frames) <= count and not opened.errors
    # If nothing was broadcast, no frame can arrive; stage 5 has reported that.
    if is_silent and scene.tells_of_failures:
        yield Unmet(
            "no-frame-in-browser",
            "the first answer came as a frame, but no frame came for the next result,"
            " an error of the API",
            expected="a frame for each question of the same page",
            finding="differs",
        )

    def is_new() -> bool:
        words = text_of(page).replace(REFUSED, "").split()
        return any(word not in before for word in words)

    # Without a new frame, there is nothing to wait for.
    wait(page, is_new, 2 if len(opened.frames) > count else 0)
    if opened.errors:
        yield thrown(opened)
    if opened.loads:
        yield _reloaded()


def _html(scene: Scene, opened: OpenPage) -> Iterator[Unmet]:
    """Check that an answer that contains HTML is shown as text."""
    page, count = opened.page, len(opened.frames)
    ask(scene, page, SCRIPT)
    wait(page, lambda: len(opened.frames) > count)
    answer = scene.answered(SCRIPT)
    if not (answer and "<script>" in answer["answer"]):
        return  # the project rephrases the question, so the answer differs
    wait(page, lambda: page.title() == HACKED or "<script>" in text_of(page), 1.5)
    # Without a frame, the page does not have the answer.
    has_come = len(opened.frames) > count
    if page.title() == HACKED or (has_come and "<script>" not in text_of(page)):
        yield Unmet(
            "inner-html",
            "an answer with HTML in it became HTML in the page"
            + (", and its script ran" if page.title() == HACKED else ""),
            expected="the answer's text, whatever it contains",
        )


def _reload(opened: OpenPage, *, knows_html: bool) -> Iterator[Unmet]:
    """Check that the page shows all of an answer, so that a reload adds nothing.

    If HTML in an answer became HTML in the page, that has already been reported. In
    this case, `knows_html` is true, and texts with HTML are skipped.
    """
    page, count = opened.page, -1
    while count < len(opened.frames):  # an answer may come in pieces
        count = len(opened.frames)
        wait(page, lambda c=count: len(opened.frames) > c, 0.6)
    live = text_of(page)
    page.reload()
    page.wait_for_load_state()
    if page.title() == HACKED:
        yield Unmet(
            "inner-html",
            "after a reload, a script in an answer was executed",
            expected="the answer's text, whatever it contains",
        )
    after = text_of(page)
    # Notices differ after a reload, so only texts that were in a frame are compared.
    for frame in opened.frames:
        for text in texts_of(frame):
            words = squeeze(text)
            if knows_html and "<" in words:
                continue
            if len(words) > 8 and " " in words and words in after and words not in live:
                keys = [key for key, value in pairs_of(frame) if value == text]
                yield Unmet(
                    "not-in-page",
                    f"only a reload shows “{words[:60]}”, which was in the frame under"
                    f" {', '.join(keys)}",
                    expected="everything in the frame, shown without a reload",
                    finding="differs",
                )


def _advise_offline(scene: Scene, opened: OpenPage) -> None:
    """Add advice if the page does not say that the server cannot be reached."""
    page = opened.page
    before = set(lines(page))
    name = scene.visitor().form().text_field
    page.context.set_offline(True)
    page.locator(f'form [name="{name}"]').first.fill(OFFLINE_QUESTION)
    page.locator(f'form [name="{name}"]').first.press("Enter")
    if not wait(page, lambda: set(lines(page)) - before, OFFLINE):
        scene.advice.append("if the server cannot be reached, the page does not say so")
