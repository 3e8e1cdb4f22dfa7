"""Check the built page "When nothing happens": its entries and its filter."""

import re

import pytest
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect

from support.troubleshooting import PAGE, own_entries
from support.website import search
from tutorial.check.mistakes import mistakes
from tutorial.check.report import BROKEN, Diagnosis, Result, line_of
from tutorial.check.unmet import Unmet
from tutorial.paths import ROOT
from tutorial.project import steps

pytestmark = pytest.mark.xdist_group("site")


def in_words(markdown: str) -> str:
    """Return a text of the catalogue as the page shows it: without the backticks."""
    return " ".join(markdown.replace("`", "").split())


@pytest.fixture
def page(address, chromium) -> BrowserPage:
    """Open the page in a browser, and return it when its filter is ready."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address + "troubleshooting/")
    # The script of the filter writes this text. Wait until the script has run.
    expect(page.locator(".symptoms").get_by_role("status")).to_contain_text("entries")
    return page


def entries_of(page: BrowserPage) -> dict[str, str]:
    """Return a dictionary from the anchor of each entry to the entry's text."""
    found = page.locator("article.mistake").evaluate_all(
        "all => all.map(one => [one.querySelector('h3').id, one.textContent])"
    )
    assert len(found) == len(dict(found)), "an anchor occurs twice"
    return {anchor: " ".join(text.split()) for anchor, text in found}


def test_each_mistake_has_an_entry_with_its_texts(page):
    entries = entries_of(page)
    assert set(entries) == {*mistakes(), *own_entries()}
    wrong = [
        (mistake.id, text, entries[mistake.id])
        for mistake in mistakes().values()
        for text in (mistake.title, mistake.symptom, mistake.cause, mistake.fix)
        if in_words(text) not in entries[mistake.id]
    ]
    assert not wrong


def test_the_table_of_contents_lists_the_stages_but_no_entries(page):
    links = page.locator(".md-sidebar--secondary .md-nav__list a").all_inner_texts()
    stages = [f"Stage {step.number}: the {step.stage}" for step in steps.steps()]
    assert [text.strip() for text in links if text.strip().startswith("Stage")] == (
        stages
    )
    assert len(links) < 20


def test_the_report_of_check_names_the_address_of_the_entry(page, address):
    assert mistakes()
    served = page.url.replace(address, "http://127.0.0.1:8001/")
    entries = entries_of(page)
    for mistake in mistakes():
        diagnosis = Diagnosis.of(Unmet(mistake, "something"))
        file, _, anchor = diagnosis.page.partition("#")
        assert ROOT / file == PAGE
        assert anchor in entries
        result = Result(1, "template", BROKEN, diagnosis=diagnosis)
        told = line_of(result, lambda style, text: text).rstrip().splitlines()
        words = " ".join(" ".join(told).split())
        assert words.endswith(
            f"read {served}#{mistake} (shown by: python3 -m tutorial docs)"
        )
        assert all(len(line) <= 88 for line in told[-2:])


def test_opening_an_address_with_an_anchor_shows_the_entry(address, chromium):
    page = chromium.new_page(viewport={"width": 360, "height": 740})
    page.goto(address + "troubleshooting/#wrong-key", wait_until="networkidle")
    entry = page.locator("article:has(> #wrong-key)")
    expect(entry).to_be_in_viewport()
    expect(entry.locator(".mistake__answer")).to_be_in_viewport()


def test_the_search_of_the_site_finds_an_entry(page):
    found = search(page, "Celery is still in eager mode")
    found.and_(page.locator("[href$='#eager-left-on']")).click()
    expect(page).to_have_url(re.compile(r"/troubleshooting/\?.*#eager-left-on$"))
    expect(page.locator("article:has(> #eager-left-on)")).to_be_in_viewport()


def shown(page: BrowserPage) -> list[str]:
    """Return the anchors of the visible entries, from top to bottom."""
    return page.locator("article.mistake:visible > h3").evaluate_all(
        "all => all.map(one => one.id)"
    )


def asked(page: BrowserPage, text: str) -> str:
    """Type `text` into the filter, and return the message that the page then shows."""
    field = page.get_by_label("Type what you see")
    field.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.type(text)
    return page.locator(".symptoms").get_by_role("status").inner_text()


def test_the_filter_shows_the_entries_that_contain_all_typed_words(page):
    everything = set(entries_of(page))
    status = page.locator(".symptoms").get_by_role("status")
    expect(status).to_have_text(f"{len(everything)} entries")

    said = asked(page, "405 method NOT allow")
    assert shown(page) == ["no-view-takes-post"]
    assert said == f"1 of {len(everything)} entries has all of these words."
    # If a stage has no matching entry, its heading and its texts are hidden, too.
    expect(page.locator("#stage-2")).to_be_visible()
    expect(page.locator("#stage-3")).to_be_hidden()
    expect(page.get_by_role("cell", name="no such line")).to_be_hidden()
    expect(page.get_by_text("See what waits in Redis")).to_be_hidden()
    # The text above the entries stays visible.
    expect(page.locator("#log")).to_be_visible()

    said = asked(page, "never appears")
    assert "handler-not-imported" in shown(page)
    assert said.startswith(f"{len(shown(page))} of {len(everything)} ")

    asked(page, "")
    assert set(shown(page)) == everything
    expect(page.get_by_text("See what waits in Redis")).to_be_visible()


@pytest.mark.parametrize(
    ("message", "anchor"),
    [
        (
            "django.db.utils.OperationalError: no such table: search_searchresult",
            "migration-not-applied",
        ),
        ("ValueError: No route found for path 'ws/find/'.", "route-mismatch"),
        (
            "AttributeError: 'function' object has no attribute 'delay'",
            "no-task-decorator",
        ),
        (
            "Port 8123 is not available: another program is using it, or you are not"
            " allowed to use it. Choose another port: --port 40123",
            "port-taken",
        ),
    ],
)
def test_pasting_an_error_message_shows_its_entry(page, message, anchor):
    asked(page, message)
    found = shown(page)
    assert anchor in found
    assert len(found) < 6


# Frequent messages of Python and Django. For each message: the entries that the filter
# must show first, in this order.
LEADS = {
    "SyntaxError: invalid syntax": ["does-not-start"],
    "SyntaxError: '(' was never closed": ["does-not-start"],
    "SyntaxError: unterminated string literal (detected at line 12)": [
        "does-not-start"
    ],
    "Uncaught SyntaxError: Expected property name or '}' in JSON": ["frame-not-json"],
    "IndentationError: expected an indented block after 'if' statement on line 20": [
        "does-not-start"
    ],
    "TabError: inconsistent use of tabs and spaces in indentation": ["does-not-start"],
    "ImportError: cannot import name 'SearchForm' from 'search.forms'"
    " (/home/me/my-search/search/forms.py)": ["does-not-start"],
    "ModuleNotFoundError: No module named 'search.form'": [
        *("does-not-start", "package-missing")
    ],
    "NameError: name 'Path' is not defined": [
        *("does-not-start", "view-raises", "task-raises")
    ],
    "AttributeError: module 'search.views' has no attribute 'openai_index'": [
        "does-not-start"
    ],
    "TemplateSyntaxError at /": ["page-raises"],
    "NoReverseMatch at /": ["page-raises"],
    "NameError at /": ["view-raises"],
    # No entry names this exception, but entries about error pages contain "at /".
    "FieldError at /": ["page-raises", "view-raises"],
    "Unknown command: show_queue": ["unknown-command"],
    "Unknown command: 'show_queu'. Did you mean show_queue?": ["unknown-command"],
}


def test_the_filter_shows_the_entry_of_a_common_message_first(page):
    found = {}
    for message in LEADS:
        asked(page, message)
        found[message] = shown(page)
    first = {message: ids[: len(LEADS[message])] for message, ids in found.items()}
    assert first == LEADS
    assert {message: ids for message, ids in found.items() if len(ids) > 3} == {}


def test_the_filter_ignores_a_slash(page):
    assert asked(page, "/") == f"{len(entries_of(page))} entries"


def test_the_filter_reports_that_no_entry_contains_a_word(page):
    assert asked(page, "zyxwv").startswith("None of ")
    assert not shown(page)


def test_following_a_link_to_a_hidden_entry_shows_the_entry(page):
    asked(page, "405")
    page.locator(".md-sidebar--secondary a[href='#stage-6']").click()
    expect(page.locator("#stage-6")).to_be_in_viewport()
    assert page.get_by_label("Type what you see").input_value() == ""

    asked(page, "405")
    page.evaluate("location.hash = '#no-worker'")
    expect(page.locator("article:has(> #no-worker)")).to_be_in_viewport()


def test_without_javascript_all_entries_are_shown_and_the_filter_is_hidden(
    address, chromium
):
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(address + "troubleshooting/")
    expect(page.locator("article.mistake:visible")).to_have_count(
        len(mistakes()) + len(own_entries())
    )
    expect(page.locator(".symptoms")).to_be_hidden()
