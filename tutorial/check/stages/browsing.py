"""A page in a browser: what it shows, what it did, and how a person asks in it."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

from tutorial.check.scene import OpenPage, Scene, squeeze
from tutorial.runtime.waiting import pause_in, wait_for
from tutorial.visitor.sockets import KEEP_SOCKETS

PATIENCE = 8.0  # seconds


def open_page(scene: Scene) -> OpenPage:
    """The project's page in a browser of its own, with its WebSockets kept."""
    context = scene.keep(contextlib.closing(scene.browser.new_context()))
    context.set_default_timeout(PATIENCE * 1000)
    opened = OpenPage(context.new_page())
    _listen(opened)
    opened.page.add_init_script(KEEP_SOCKETS)
    opened.page.goto(scene.visitor().page_url)
    return opened


def _listen(opened: OpenPage) -> None:
    """Write down what the browser reports of the page."""

    def on_socket(socket: Any) -> None:
        socket.on("framereceived", lambda frame: opened.frames.append(str(frame)))

    def on_response(response: Any) -> None:
        if response.status >= 400 and "favicon" not in response.url:
            opened.refused.append((response.status, response.url))

    def on_request(request: Any) -> None:
        if request.method == "POST":
            opened.posts.append(request.resource_type)

    def on_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            opened.console.append(message.text)

    page = opened.page
    page.on("websocket", on_socket)
    page.on("pageerror", lambda error: opened.errors.append(error))
    page.on("console", on_console)
    page.on("response", on_response)
    page.on("request", on_request)


def ask(scene: Scene, page: Any, question: str) -> None:
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


def wait(page: Any, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait in the page's own event loop, in which the frames arrive."""
    return wait_for(condition, seconds, pause_in(page))


def lines(page: Any) -> list[str]:
    """What the page shows, line by line."""
    return [
        line for text in page.inner_text("body").splitlines() if (line := squeeze(text))
    ]


def text_of(page: Any) -> str:
    """What the page shows, with single blanks."""
    return squeeze(page.inner_text("body"))


def pairs_of(frame: str) -> list[tuple[str, Any]]:
    """All pairs of the frame's JSON, those of inner objects included."""
    pairs: list[tuple[str, Any]] = []

    def collect(found: list[tuple[str, Any]]) -> dict:
        pairs.extend(found)
        return dict(found)

    with contextlib.suppress(ValueError):
        json.loads(frame, object_pairs_hook=collect)
    return pairs


def texts_of(frame: str) -> list[str]:
    """All texts of the frame's JSON."""
    return [value for _, value in pairs_of(frame) if isinstance(value, str)]
