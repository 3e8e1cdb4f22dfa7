"""A page in a browser: what it shows, what it did, and how a person asks in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tutorial.check.scene import Scene
from tutorial.check.stages.stage_4_worker import squeeze
from tutorial.runtime.waiting import wait_for

PATIENCE = 8.0  # seconds


@dataclass
class Seen:
    """What the browser told of the page since it was loaded."""

    frames: list[str] = field(default_factory=list)
    errors: list[Any] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)  # status, address
    posts: list[str] = field(default_factory=list)  # kinds: "fetch", "document"


def listen(page: Any, seen: Seen) -> None:
    """Write down what the browser tells of the page."""

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
    return wait_for(condition, seconds, lambda: page.wait_for_timeout(40))


def lines(page: Any) -> list[str]:
    """What the page shows, line by line."""
    return [
        line for text in page.inner_text("body").splitlines() if (line := squeeze(text))
    ]


def text_of(page: Any) -> str:
    """What the page shows, with single blanks."""
    return squeeze(page.inner_text("body"))
