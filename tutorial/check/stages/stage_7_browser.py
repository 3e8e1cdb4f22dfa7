"""Stage 7 · browser: the answer appears in the page, and the page is never reloaded."""

import contextlib
import re
from typing import Any

from tutorial.check.scene import Scene
from tutorial.check.stages.frame import keys_of, keys_read, pairs_of, texts_of
from tutorial.check.stages.open_page import (
    PATIENCE,
    Seen,
    ask,
    lines,
    listen,
    text_of,
    wait,
)
from tutorial.check.stages.stage_1_template import place_in_script
from tutorial.check.stages.stage_4_worker import REFUSED, first_words, squeeze
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Events
from tutorial.visitor.sockets import ALL_OPEN, KEEP_SOCKETS, wait_in

# A question whose answer holds HTML with a script; see `tutorial/standin`.
SCRIPT = "simulate: script"
HACKED = "hacked"

# How a browser words what is wrong with a script.
SCRIPT_ERROR = re.compile(
    r"is not (defined|a function|iterable)|Cannot (read|set) propert|\bundefined\b"
)


def check(scene: Scene) -> str:
    """A frame arrives, and what it brings is in the page that sent the form."""
    if scene.browser is None:
        raise Unmet(
            "no-browser",
            scene.no_browser.splitlines()[0],
            expected="a browser to open the page with",
        )
    from playwright.sync_api import Error

    with contextlib.closing(scene.browser.new_context()) as context:
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        seen = Seen()
        listen(page, seen)
        page.add_init_script(KEEP_SOCKETS)
        page.goto(scene.visitor().page_url)
        if not wait_in(page, ALL_OPEN, PATIENCE):
            if seen.errors:
                raise _thrown(scene, seen)
            words = "; ".join(seen.console[:2]) or "its console says nothing"
            raise Unmet(
                "socket-does-not-open",
                f"in the browser the page's WebSocket does not open: {words}",
                expected="an open WebSocket",
                at=scene.code.find(r"new WebSocket\(", ".js", ".html"),
            )
        page.on("framenavigated", lambda frame: seen.loads.append(frame.url))
        try:
            _check_answer(scene, page, seen)
            _check_error(scene, page, seen)
            _check_script(scene, page, seen)
            _check_reload(scene, page, seen)
        except Error as error:
            if seen.errors:
                raise _thrown(scene, seen) from error
            raise Unmet(
                "browser-stuck",
                error.message.splitlines()[0],
                expected="a page that can be used",
                at=scene.code.find(r"<form", ".html"),
            ) from error
        if seen.errors:
            raise _thrown(scene, seen)
        with contextlib.suppress(Error):
            _advise_offline(scene, context, page)
    return f"in the page without a reload, brought by a frame: {seen.frames[0][:50]}…"


def _check_answer(scene: Scene, page: Any, seen: Seen) -> None:
    """The answer appears, and the page says at once that the search has started."""
    question = scene.question("DOM")
    before = set(lines(page))
    marked = scene.events.mark()
    ask(scene, page, question)
    expected = "a page that stays, and shows the answer when its frame comes"
    wait(page, lambda: seen.posts or seen.loads or seen.errors)
    wait(page, lambda: marked.first("enqueued") or seen.loads or seen.refused, 4)
    _check_sent(scene, page, seen, marked, expected)

    def told() -> list[str]:
        """The lines that are new in the page, and brought by no frame."""
        texts = [text for frame in seen.frames for text in texts_of(frame) or [frame]]
        brought = squeeze(" ".join([question, *texts])).casefold()
        new = [line for line in lines(page) if line not in before]
        return [line for line in new if line.casefold() not in brought]

    said = wait(page, lambda: told() or seen.frames, 3) and told()
    wait(page, lambda: seen.frames or seen.loads or seen.errors)
    if seen.loads:
        raise _reloaded(scene, seen, expected)
    if not seen.frames:
        raise Unmet(
            "no-frame-in-browser",
            "the question was sent, and no frame came down the page's WebSocket",
            expected=expected,
            at=scene.code.find(r"new WebSocket\(", ".js", ".html"),
        )
    request = scene.answered(question)
    wanted = first_words(request["answer"]) if request else question

    if not wait(page, lambda: wanted in text_of(page), 2):
        if seen.errors:
            raise _thrown(scene, seen)
        if seen.loads:
            raise _reloaded(scene, seen, expected)
        raise _not_in_page(scene, page, seen, wanted, question)
    if seen.loads:
        raise _reloaded(scene, seen, expected)
    for line in told():
        if SCRIPT_ERROR.search(line):
            raise Unmet(
                "script-throws",
                f"the script caught an exception of its own; the page says: {line}",
                expected=expected,
                at=scene.code.find(r"fetch\(|XMLHttpRequest", ".js", ".html"),
                stage=7,
            )
    if not said and not [line for line in told() if wanted not in line]:
        raise Unmet(
            "nothing-said",
            "the answer came, and until then the page said nothing of the search",
            expected="words such as “Search has started!” when the form is sent",
            at=scene.code.find(r"fetch\(|XMLHttpRequest", ".js", ".html"),
            stage=7,
        )


def _check_sent(
    scene: Scene, page: Any, seen: Seen, marked: Events, expected: str
) -> None:
    """The form went to the view, and the page stayed."""
    script = scene.code.find(
        r"fetch\(|XMLHttpRequest|addEventListener\([\"']submit", ".js", ".html"
    )
    if seen.loads or "document" in seen.posts:
        raise _reloaded(scene, seen, expected)
    if not marked.first("enqueued"):
        if seen.errors:
            raise _thrown(scene, seen)
        status = seen.refused[-1][0] if seen.refused else None
        if status == 403:
            raise Unmet(
                "csrf-missing-in-fetch",
                "the script's request was answered with status 403",
                expected=expected,
                at=script,
            )
        if status:
            raise Unmet(
                "fetch-refused",
                f"the script's request was answered with status {status}"
                f" ({seen.refused[-1][1]})",
                expected=expected,
                at=script,
            )
        what = "was sent, and became no task" if seen.posts else "was not sent"
        said = "; ".join(seen.console[:1])
        raise Unmet(
            "form-not-sent",
            f"the form {what}" + (f"; the console says: {said}" if said else ""),
            expected=expected,
            at=script,
        )


def _reloaded(scene: Scene, seen: Seen, expected: str) -> Unmet:
    return Unmet(
        "page-reloads",
        "the browser left the page when the form was sent, and its WebSocket with it",
        expected=expected,
        at=scene.code.find(r"preventDefault", ".js", ".html")
        or scene.code.find(r"[\"']submit[\"']|onsubmit", ".js", ".html")
        or scene.code.find(r"new WebSocket\(", ".js", ".html"),
    )


def _not_in_page(
    scene: Scene, page: Any, seen: Seen, wanted: str, question: str
) -> Unmet:
    """The frame came, and the answer is not in the page."""
    expected = f"“{wanted}…” in the page"
    frame = seen.frames[0]
    handler = scene.code.find(
        r"\.onmessage\b|Listener\([\"']message[\"']", ".js", ".html"
    )
    if handler is None:
        seen_words = f"the frame came, {frame[:80]}, and the script does not listen"
        at = scene.code.find(r"new WebSocket\(", ".js", ".html")
        return Unmet("no-onmessage", seen_words, expected=expected, at=at)
    text = text_of(page)
    if keys_of(frame) and not scene.code.find(r"JSON\.parse|\.json\(", ".js", ".html"):
        seen_words = f"the frame came, {frame[:80]}, and the script parses none"
        return Unmet("frame-not-parsed", seen_words, expected=expected, at=handler)
    keys, read = keys_of(frame), keys_read(scene)
    unknown = {key: at for key, at in read.items() if key not in keys}
    if unknown and keys:
        key, at = next(iter(unknown.items()))
        shows = ", and the page shows “undefined”" if "undefined" in text else ""
        return Unmet(
            "wrong-key",
            f"the script reads “{key}”; the frame has {', '.join(keys)}{shows}",
            expected=expected,
            at=at,
        )
    part = "the question and not the answer" if question in text else "nothing of it"
    return Unmet(
        "not-in-page",
        f"the frame came, {frame[:80]}…, and the page shows {part}",
        expected=expected,
        at=handler,
    )


def _check_error(scene: Scene, page: Any, seen: Seen) -> None:
    """A failure of the API appears as well, brought by a frame of its own."""
    count, before = len(seen.frames), set(text_of(page).split())
    ask(scene, page, REFUSED)
    wait(page, lambda: len(seen.frames) > count or seen.errors)
    if len(seen.frames) <= count and not seen.errors:
        raise Unmet(
            "no-frame-in-browser",
            "the first answer came as a frame; an error of the API, next, did not",
            expected="a frame for each question of the same page",
            at=scene.code.find(r"onmessage|[\"']message[\"']", ".js", ".html"),
        )

    def told() -> bool:
        words = text_of(page).replace(REFUSED, "").split()
        return any(word not in before for word in words)

    wait(page, told, 2)
    if seen.errors:
        raise _thrown(scene, seen)
    if seen.loads:
        raise _reloaded(scene, seen, "a page that stays")


def _check_script(scene: Scene, page: Any, seen: Seen) -> None:
    """An answer that holds HTML is shown as text."""
    count = len(seen.frames)
    ask(scene, page, SCRIPT)
    wait(page, lambda: len(seen.frames) > count)
    wait(page, lambda: page.title() == HACKED or "<script>" in text_of(page), 1.5)
    if page.title() == HACKED or "<script>" not in text_of(page):
        raise Unmet(
            "inner-html",
            "an answer with HTML in it became HTML in the page"
            + (", and its script ran" if page.title() == HACKED else ""),
            expected="the answer's text, whatever it contains",
            at=scene.code.find(
                r"innerHTML|insertAdjacentHTML|outerHTML|document\.write",
                ".js",
                ".html",
            )
            or scene.code.find(r"onmessage", ".js", ".html"),
        )


def _check_reload(scene: Scene, page: Any, seen: Seen) -> None:
    """What a reload shows of the answers was in the page before."""
    count = -1
    while count < len(seen.frames):  # an answer may come in pieces
        count = len(seen.frames)
        wait(page, lambda c=count: len(seen.frames) > c, 0.6)
    live = text_of(page)
    page.reload()
    page.wait_for_load_state()
    if page.title() == HACKED:
        raise Unmet(
            "inner-html",
            "after a reload, an answer with a script in it ran as one",
            expected="the answer's text, whatever it contains",
            at=scene.code.find(r"\|\s*safe|autoescape off|mark_safe", ".html", ".py"),
        )
    after = text_of(page)
    # The page's own texts differ by what was said about the forms; a frame's do not.
    for frame in seen.frames:
        for text in texts_of(frame):
            words = squeeze(text)
            if len(words) > 8 and " " in words and words in after and words not in live:
                keys = [key for key, value in pairs_of(frame) if value == text]
                raise Unmet(
                    "not-in-page",
                    f"only a reload shows “{words[:60]}”, which the frame brought as"
                    f" {', '.join(keys)}",
                    expected="all that the frame brings, in the page without a reload",
                    at=scene.code.find(r"onmessage|[\"']message[\"']", ".js", ".html"),
                )


def _advise_offline(scene: Scene, context: Any, page: Any) -> None:
    """Where the server cannot be reached, the page should say so: advice alone."""
    before = set(page.inner_text("body").splitlines())
    name = scene.visitor().form().text_field
    context.set_offline(True)
    page.locator(f'form [name="{name}"]').first.fill("Is anybody there?")
    page.locator(f'form [name="{name}"]').first.press("Enter")
    if not wait(page, lambda: set(page.inner_text("body").splitlines()) - before, 2):
        place = scene.code.find(r"fetch\(|XMLHttpRequest", ".js", ".html")
        scene.advice.append(
            f"{place}: where the server cannot be reached, the page does not say so"
        )


def _thrown(scene: Scene, seen: Seen) -> Unmet:
    error = seen.errors[0]
    message = str(getattr(error, "message", error)).splitlines()[0]
    at = place_in_script(scene, str(getattr(error, "stack", "") or error))
    found = f"the browser's console says: {message}"
    mistake = "script-throws"
    if seen.frames:
        found += f"; the frame is {seen.frames[-1][:150]}"
        if not scene.code.find(r"JSON\.parse|\.json\(", ".js", ".html"):
            mistake = "frame-not-parsed"
        elif re.search(r"of undefined|JSON", message):
            mistake = "wrong-key"
    line = scene.code.line(at)
    expected = "a script that puts the frame's data into the page"
    expected += f"; the line is: {line}" if line else ""
    return Unmet(mistake, found, expected=expected, at=at, stage=7)
