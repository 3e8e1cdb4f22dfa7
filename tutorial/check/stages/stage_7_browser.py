"""Stage 7 · browser: the answer appears in the page, and the page is never reloaded."""

import contextlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tutorial.check.events import Events
from tutorial.check.scene import Scene
from tutorial.check.stages.stage_1_template import place_in_script
from tutorial.check.stages.stage_4_worker import REFUSED, first_words, squeeze
from tutorial.check.unmet import Unmet

PATIENCE = 8.0  # seconds

# A question whose answer holds HTML with a script; see `tutorial/standin`.
SCRIPT = "simulate: script"
HACKED = "hacked"

# How a browser words what is wrong with a script.
SCRIPT_ERROR = re.compile(
    r"is not (defined|a function|iterable)|Cannot (read|set) propert|\bundefined\b"
)

KEEP_SOCKETS = """
window.socketsOfThePage = [];
window.WebSocket = class extends WebSocket {
  constructor(...options) {
    super(...options);
    window.socketsOfThePage.push(this);
  }
};
"""
ALL_OPEN = (
    "socketsOfThePage.length && socketsOfThePage.every((s) => s.readyState === 1)"
)


@dataclass
class Seen:
    """What the browser told of the page since it was loaded."""

    frames: list[str] = field(default_factory=list)
    errors: list[Any] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)  # status, address
    posts: list[str] = field(default_factory=list)  # kinds: "fetch", "document"


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
        try:
            page.wait_for_function(ALL_OPEN)
        except Error as error:
            if seen.errors:
                raise _thrown(scene, seen) from error
            words = "; ".join(seen.console[:2]) or "its console says nothing"
            raise Unmet(
                "socket-does-not-open",
                f"in the browser the page's WebSocket does not open: {words}",
                expected="an open WebSocket",
                at=scene.code.find(r"new WebSocket\(", ".js", ".html"),
            ) from error
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


def listen(page: Any, seen: Seen) -> None:
    """Write down what the browser tells."""

    def on_socket(socket: Any) -> None:
        socket.on("framereceived", lambda frame: seen.frames.append(str(frame)))

    def on_response(response: Any) -> None:
        if response.status >= 400 and "favicon" not in response.url:
            seen.refused.append((response.status, response.url))

    def on_request(request: Any) -> None:
        if request.method == "POST":
            seen.posts.append(request.resource_type)

    def on_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            seen.console.append(message.text)

    page.on("websocket", on_socket)
    page.on("pageerror", lambda error: seen.errors.append(error))
    page.on("console", on_console)
    page.on("response", on_response)
    page.on("request", on_request)


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


def _ask(scene: Scene, page: Any, question: str) -> None:
    """Fill in the form as a person would, and send it."""
    name = scene.visitor().form().text_field
    target = page.locator(f'form [name="{name}"]').first
    form = target.locator("xpath=ancestor::form")
    others = form.locator("input:visible, textarea:visible, select:visible")
    for number in range(others.count()):
        other = others.nth(number)
        kind = (other.get_attribute("type") or "text").lower()
        if other.get_attribute("required") is None:
            continue
        if kind in ("checkbox", "radio"):
            other.check()
        elif other.input_value():
            continue
        elif kind in ("text", "search"):
            other.fill("Ada")
        elif kind == "email":
            other.fill("ada@example.org")
        elif kind == "number":
            other.fill("1")
    target.fill(question)
    button = form.locator("[type=submit], button:not([type=button])")
    if button.count():
        button.first.click()
    else:
        target.press("Enter")


def _wait(page: Any, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait in the page's own event loop, in which the frames arrive."""
    deadline = time.monotonic() + seconds
    while not (result := condition()) and time.monotonic() < deadline:
        page.wait_for_timeout(40)
    return result


def _lines(page: Any) -> list[str]:
    return [
        line for text in page.inner_text("body").splitlines() if (line := squeeze(text))
    ]


def _text(page: Any) -> str:
    return squeeze(page.inner_text("body"))


def _check_answer(scene: Scene, page: Any, seen: Seen) -> None:
    """The answer appears, and the page says at once that the search has started."""
    question = scene.question("DOM")
    before = set(_lines(page))
    marked = scene.events.mark()
    _ask(scene, page, question)
    expected = "a page that stays, and shows the answer when its frame comes"
    _wait(page, lambda: seen.posts or seen.loads or seen.errors)
    _wait(page, lambda: marked.first("enqueued") or seen.loads or seen.refused, 4)
    _check_sent(scene, page, seen, marked, expected)

    def told() -> list[str]:
        """The lines that are new in the page, and brought by no frame."""
        texts = [text for frame in seen.frames for text in _texts(frame) or [frame]]
        brought = squeeze(" ".join([question, *texts])).casefold()
        new = [line for line in _lines(page) if line not in before]
        return [line for line in new if line.casefold() not in brought]

    said = _wait(page, lambda: told() or seen.frames, 3) and told()
    _wait(page, lambda: seen.frames or seen.loads or seen.errors)
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

    if not _wait(page, lambda: wanted in _text(page), 2):
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
    text = _text(page)
    if _keys(frame) and not scene.code.find(r"JSON\.parse|\.json\(", ".js", ".html"):
        seen_words = f"the frame came, {frame[:80]}, and the script parses none"
        return Unmet("frame-not-parsed", seen_words, expected=expected, at=handler)
    keys, read = _keys(frame), _keys_read(scene)
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


def _keys(frame: str) -> list[str]:
    """All keys of the frame's JSON, those of inner objects included."""
    keys: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict:
        keys.extend(key for key, _ in pairs)
        return dict(pairs)

    with contextlib.suppress(ValueError):
        json.loads(frame, object_pairs_hook=collect)
    return keys


# What a name such as `data` has besides the keys of the frame.
OF_ANY_OBJECT = {
    "data",
    "length",
    "slice",
    "map",
    "forEach",
    "toString",
    "trim",
    "split",
}


def _keys_read(scene: Scene) -> dict[str, str]:
    """The keys that the script reads from what it has parsed, with their places."""
    found = {}
    for name, text in scene.code.texts(".js", ".html").items():
        names = set(re.findall(r"(?:const|let|var)\s+(\w+)\s*=\s*JSON\.parse\(", text))
        fields = re.findall(
            r"(?:const|let|var)\s+\{([^}]*)\}\s*=\s*JSON\.parse\(", text
        )
        for inner in fields:
            for key in re.findall(r"(\w+)\s*(?::\s*\w+)?\s*(?:,|$)", inner):
                place = scene.code.find(rf"\{{[^}}]*\b{key}\b", ".js", ".html")
                found.setdefault(key, place or name)
        for number, line in enumerate(text.splitlines(), start=1):
            for variable in names:
                for key in re.findall(rf"\b{variable}\.(\w+)", line):
                    found.setdefault(key, f"{name}:{number}")
                for key in re.findall(rf"\b{variable}\[[\"'](\w+)[\"']\]", line):
                    found.setdefault(key, f"{name}:{number}")
    return {key: at for key, at in found.items() if key not in OF_ANY_OBJECT}


def _check_error(scene: Scene, page: Any, seen: Seen) -> None:
    """A failure of the API appears as well, brought by a frame of its own."""
    count, before = len(seen.frames), set(_text(page).split())
    _ask(scene, page, REFUSED)
    _wait(page, lambda: len(seen.frames) > count or seen.errors)
    if len(seen.frames) <= count and not seen.errors:
        raise Unmet(
            "no-frame-in-browser",
            "the first answer came as a frame; an error of the API, next, did not",
            expected="a frame for each question of the same page",
            at=scene.code.find(r"onmessage|[\"']message[\"']", ".js", ".html"),
        )

    def told() -> bool:
        words = _text(page).replace(REFUSED, "").split()
        return any(word not in before for word in words)

    _wait(page, told, 2)
    if seen.errors:
        raise _thrown(scene, seen)
    if seen.loads:
        raise _reloaded(scene, seen, "a page that stays")


def _check_script(scene: Scene, page: Any, seen: Seen) -> None:
    """An answer that holds HTML is shown as text."""
    count = len(seen.frames)
    _ask(scene, page, SCRIPT)
    _wait(page, lambda: len(seen.frames) > count)
    _wait(page, lambda: page.title() == HACKED or "<script>" in _text(page), 1.5)
    if page.title() == HACKED or "<script>" not in _text(page):
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
    live = _text(page)
    page.reload()
    page.wait_for_load_state()
    if page.title() == HACKED:
        raise Unmet(
            "inner-html",
            "after a reload, an answer with a script in it ran as one",
            expected="the answer's text, whatever it contains",
            at=scene.code.find(r"\|\s*safe|autoescape off|mark_safe", ".html", ".py"),
        )
    after = _text(page)
    # The page's own texts differ by what was said about the forms; a frame's do not.
    for frame in seen.frames:
        for text in _texts(frame):
            words = squeeze(text)
            if len(words) > 8 and " " in words and words in after and words not in live:
                keys = [key for key, value in _pairs(frame) if value == text]
                raise Unmet(
                    "not-in-page",
                    f"only a reload shows “{words[:60]}”, which the frame brought as"
                    f" {', '.join(keys)}",
                    expected="all that the frame brings, in the page without a reload",
                    at=scene.code.find(r"onmessage|[\"']message[\"']", ".js", ".html"),
                )


def _pairs(frame: str) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []

    def collect(found: list[tuple[str, Any]]) -> dict:
        pairs.extend(found)
        return dict(found)

    with contextlib.suppress(ValueError):
        json.loads(frame, object_pairs_hook=collect)
    return pairs


def _texts(frame: str) -> list[str]:
    return [value for _, value in _pairs(frame) if isinstance(value, str)]


def _advise_offline(scene: Scene, context: Any, page: Any) -> None:
    """Where the server cannot be reached, the page should say so: advice alone."""
    before = set(page.inner_text("body").splitlines())
    name = scene.visitor().form().text_field
    context.set_offline(True)
    page.locator(f'form [name="{name}"]').first.fill("Is anybody there?")
    page.locator(f'form [name="{name}"]').first.press("Enter")
    if not _wait(page, lambda: set(page.inner_text("body").splitlines()) - before, 2):
        place = scene.code.find(r"fetch\(|XMLHttpRequest", ".js", ".html")
        scene.advice.append(
            f"{place}: where the server cannot be reached, the page does not say so"
        )
