"""Fixtures for the tests of the live map: a mapped project, and its page."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from support.mapped import Mapped, mapped
from tutorial.project import steps


@pytest.fixture
def run_mapped(monkeypatch) -> Iterator[Callable[..., Mapped]]:
    """Yield a function that runs a step with a map. It takes a step or its name."""
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    with contextlib.ExitStack() as exits:

        def run(step: str | steps.Step, **options) -> Mapped:
            found = steps.find(step) if isinstance(step, str) else step
            return exits.enter_context(mapped(found, **options))

        yield run


@pytest.fixture
def open_map(chromium) -> Callable[..., Page]:
    """Return a function that opens the page of a map.

    An error in the page fails the test.
    """

    def open_one(running: Mapped, **options) -> Page:
        page = chromium.new_page(**options)
        page.on("pageerror", lambda error: pytest.fail(f"the map's page: {error}"))
        page.goto(running.live.url)
        expect(page.locator("#link")).to_have_text("Live")
        return page

    return open_one


@pytest.fixture
def visit(chromium) -> Callable[..., Page]:
    """Return a function that asks a question in the project's page.

    That function returns the page.
    """

    def ask(running: Mapped, question: str, page: Page | None = None) -> Page:
        if page is None:
            page = chromium.new_page()
            page.goto(running.site.url)
            if running.live.state.step.number in (6, 7, 8):
                expect(page.get_by_text("Live", exact=True)).to_be_visible()
        page.get_by_label("Your question").fill(question)
        page.get_by_role("button", name="Search").click()
        return page

    return ask
