"""Uses the app in a browser, as a visitor does."""

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tutorial.visitor.site import Site

PATIENCE = 20_000.0  # milliseconds; no wait takes longer


def open_page(context: Any, site: Site, path: str = "/") -> Page:
    """Open a page of the app, and wait until it has a user and an open socket.

    The function `frames` returns the messages that the page receives.
    """
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.frames_received = []
    page.on(
        "websocket",
        lambda socket: socket.on(
            "framereceived", lambda frame: page.frames_received.append(frame)
        ),
    )
    page.goto(site.url + path)
    expect_state(page, "Live")
    user = re.compile(r"\d+")
    expect(page.locator("body")).to_have_attribute("data-user", user, timeout=PATIENCE)
    return page


def frames(page: Page) -> list[dict]:
    """Return the messages that the page's sockets have received so far."""
    return [json.loads(frame) for frame in page.frames_received]


def ask(page: Page, question: str) -> None:
    """Type the question, and press the button."""
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Search", exact=True).click()


def result(page: Page, question: str) -> Locator:
    """Return the entry of this question's search in the page's list."""
    return page.locator("#results li").filter(has_text=question)


def expect_status(page: Page, question: str, status: str) -> None:
    """Wait until the page shows this status for the question's search."""
    expect(result(page, question)).to_have_attribute(
        "data-status", status, timeout=PATIENCE
    )


def expect_state(page: Page, words: str) -> None:
    """Wait until the page shows this state of its connection."""
    expect(page.locator("#socket-state")).to_have_text(words, timeout=PATIENCE)
