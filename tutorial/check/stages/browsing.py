"""A page in a browser: its text, its requests and frames, and how a person uses it."""

import contextlib
import html
import json
import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Error

from tutorial.check.scene import OpenPage, Scene, squeeze
from tutorial.runtime.waiting import pause_in, wait_for
from tutorial.visitor.sockets import KEEP_SOCKETS
from tutorial.visitor.visitor import QUESTION

PATIENCE = 8.0  # seconds to wait for something in a page
SAFE = ("GET", "HEAD", "OPTIONS")  # HTTP methods that send no question


def open_page(scene: Scene) -> OpenPage:
    """Open the page in a new browser context, and record the page's WebSockets."""
    context = scene.keep(contextlib.closing(scene.browser.new_context()))
    context.set_default_timeout(PATIENCE * 1000)
    opened = OpenPage(context.new_page())
    listen(opened)
    opened.page.add_init_script(KEEP_SOCKETS)
    opened.page.goto(scene.visitor().page_url)
    return opened


def listen(opened: OpenPage) -> None:
    """Record what the browser reports about the page, and dismiss its dialogs."""

    def on_socket(socket: Any) -> None:
        place = len(opened.sockets)
        opened.sockets.append((socket.url, ""))

        def on_error(error: str) -> None:
            opened.sockets[place] = (socket.url, str(error))

        def on_frame(frame: str | bytes) -> None:
            text = frame if isinstance(frame, str) else frame.decode(errors="replace")
            opened.frames.append(text)
            if isinstance(frame, bytes):
                opened.binary.append(text)

        socket.on("framereceived", on_frame)
        socket.on("framesent", lambda frame: opened.sent_frames.append(str(frame)))
        socket.on("socketerror", on_error)

    def on_response(response: Any) -> None:
        if response.status >= 400 and "favicon" not in response.url:
            opened.refused.append((response.status, response.url))
            if response.request.resource_type == "script":
                opened.no_scripts.append((response.status, response.url))
        if response.request.method not in SAFE:
            opened.answers.append((response.status, response.url))
            opened.responses.append(response)

    def on_request(request: Any) -> None:
        if request.method == "POST":
            opened.posts.append(request.resource_type)
        if request.method not in SAFE:
            opened.sent.append(request)

    def on_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            opened.console.append(message.text)

    def on_dialog(dialog: Any) -> None:
        with contextlib.suppress(Error):  # the page and its dialog no longer exist
            dialog.dismiss()

    page = opened.page
    page.on("dialog", on_dialog)
    page.on("websocket", on_socket)
    page.on("pageerror", lambda error: opened.errors.append(error))
    page.on("console", on_console)
    page.on("response", on_response)
    page.on("request", on_request)


def ask(scene: Scene, page: Any, question: str) -> None:
    """Fill in the form as a person would, and send it."""
    name = scene.visitor().form().text_field
    fill_and_send(page.locator(f'form [name="{name}"]').first, question)


# The elements that a person may type a question into.
FIELDS = (
    "textarea:visible, input[type=text]:visible, input[type=search]:visible,"
    " input:not([type]):visible, [contenteditable=true]:visible"
)


# The selector for forms with a field for a question. `FINDS` tests whether a field
# belongs to a form that searches the site.
ASKS = (
    "form[method=post i]:not(:has([type=password])):visible:has(textarea,"
    " input[type=text], input[type=search], input:not([type]))"
)
FINDS = "(field) => field.form?.getAttribute('action') && field.form.method === 'get'"
# JavaScript that selects the first option of a list that requires a choice.
CHOOSE = """(list) => {
  const choice = [...list.options].find((one) => one.value && !one.disabled);
  if (!list.required || list.value || !choice) return;
  list.value = choice.value;
  list.dispatchEvent(new Event("change", {bubbles: true}));
}"""


def is_of_an_api(page: Any) -> bool:
    """Whether the page is Django REST framework's description of an API."""
    return bool(page.locator("link[href*='/rest_framework/']").count())


def question_field(page: Any) -> Any | None:
    """Return the page's field for a question, or None."""
    if is_of_an_api(page):
        return None
    fields = page.locator(FIELDS)
    best, most = None, 0
    has_post_form = page.locator(ASKS).count()
    for number in range(fields.count()):
        field = fields.nth(number)
        if field.locator("xpath=ancestor::form[.//input[@type='password']]").count():
            continue
        if not field.is_editable():
            continue
        # A form that is sent by GET searches the site.
        if has_post_form and field.evaluate(FINDS):
            continue
        described = " ".join(
            filter(None, map(field.get_attribute, ("name", "id", "placeholder")))
        )
        points = 1 + 2 * bool(QUESTION.search(described))
        points += field.evaluate("field => field.tagName === 'TEXTAREA'")
        if points > most:
            best, most = field, points
    return best


def fill_and_send(target: Any, text: str) -> None:
    """Type the text into the field, fill in the rest as a person would, and send it."""
    form = target.locator("xpath=ancestor::form")
    is_form = bool(form.count())
    if not is_form:
        form = target.locator("xpath=ancestor::*[.//button][1]")
    others = form.locator("input:visible, textarea:visible, select:visible")
    for number in range(others.count()):
        other = others.nth(number)
        kind = (other.get_attribute("type") or "text").lower()
        if other.get_attribute("required") is None:
            continue
        if other.evaluate("field => field.tagName") == "SELECT":
            other.evaluate(CHOOSE)
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
            other.fill(other.get_attribute("min") or "5")
    target.fill(text)
    button = form.locator("[type=submit], button:not([type=button], [type=reset])")
    next_one = None if is_form else target.evaluate_handle(NEXT_BUTTON).as_element()
    if next_one:
        next_one.click()
    elif button.count():
        button.first.click()
    else:
        target.press("Enter")


# The button after a field. A button before the field has a different purpose, such
# as choosing a file.
NEXT_BUTTON = """(field) => [...document.querySelectorAll("button")].find((button) =>
  button.offsetParent && !button.disabled
  && field.compareDocumentPosition(button) & Node.DOCUMENT_POSITION_FOLLOWING)"""

# JavaScript that returns the text in text areas and in collapsed elements. A person can
# read this text, too.
MORE_TEXTS = """() => [...document.querySelectorAll("textarea, details:not([open])")]
  .filter((element) => element.offsetParent)
  .map((element) => element.value ?? element.textContent)"""


def shows(page: Any, words: str) -> bool:
    """Whether a person can read the words in the page or in its shadow roots."""
    with contextlib.suppress(Error):  # the page is being loaded
        return words in text_of(page) or words in _laid_out(page)
    return False


def _laid_out(page: Any) -> str:
    """Return all text that the browser has laid out, with single spaces."""
    session = page.context.new_cdp_session(page)
    try:
        made = session.send("DOMSnapshot.captureSnapshot", {"computedStyles": []})
    finally:
        session.detach()
    strings = made["strings"]
    places = [place for one in made["documents"] for place in one["layout"]["text"]]
    return squeeze(" ".join(strings[place] for place in places if place >= 0))


def wait(page: Any, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait for a condition in the page's event loop, so that frames can arrive."""
    return wait_for(condition, seconds, pause_in(page))


def lines(page: Any) -> list[str]:
    """Return the text that the page shows, line by line."""
    return [
        line for text in page.inner_text("body").splitlines() if (line := squeeze(text))
    ]


def text_of(page: Any) -> str:
    """Return the text that the page shows, with single spaces."""
    texts = [page.inner_text("body")]
    with contextlib.suppress(Error):  # the page is being loaded
        texts += page.evaluate(MORE_TEXTS)
    return squeeze(" ".join(texts))


def instead(shown: str) -> str:
    """Return the “undefined” or “${...}” that a page shows in place of a value.

    Return "" if the page shows neither.
    """
    found = re.search(r"\bundefined\b|\$\{[^}]*\}", shown)
    return f"“{found[0]}”" if found else ""


def pairs_of(frame: str) -> list[tuple[str, Any]]:
    """Return all keys and values in the frame's JSON, also those in nested objects."""
    pairs: list[tuple[str, Any]] = []

    def collect(found: list[tuple[str, Any]]) -> dict:
        pairs.extend(found)
        return dict(found)

    with contextlib.suppress(ValueError):
        json.loads(frame, object_pairs_hook=collect)
    return pairs


def texts_of(frame: str) -> list[str]:
    """Return all strings in the frame's JSON."""
    return [value for _, value in pairs_of(frame) if isinstance(value, str)]


def brings(frames: list[str], wanted: str) -> bool:
    """Whether the frames contain the words, in one frame or in pieces.

    To find words that are in pieces, this function joins the strings of all frames:
    once for each key, and once for all keys together.
    """
    pieces: dict[str, list[str]] = defaultdict(list)
    for frame in frames:
        for key, value in pairs_of(frame):
            if isinstance(value, str):
                pieces[key].append(plain(value))
        pieces[""] += words_of(frame)
    return any(
        wanted in squeeze(blank.join(texts))
        for texts in pieces.values()
        for blank in ("", " ")
    )


def words_of(frame: str) -> list[str]:
    """Return the strings in a frame, as a person would read them."""
    texts = texts_of(frame)
    if not texts:
        try:
            values = json.loads(frame)
        except ValueError:
            values = frame
        values = values if isinstance(values, list) else [values]
        texts = [value for value in values if isinstance(value, str)]
    return [plain(text) for text in texts]


def plain(text: str) -> str:
    """Return the text without HTML tags. A frame may contain HTML."""
    return html.unescape(re.sub(r"<[^>]+>", " ", text.replace("\\n", " ")))
