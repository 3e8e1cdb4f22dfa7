"""Check the pages that a browser prints, and the handout: a PDF of all steps."""

import re
import subprocess
import sys
from collections import defaultdict
from html.parser import HTMLParser
from urllib.parse import urljoin

import pytest

from tutorial.paths import ROOT
from tutorial.project import steps
from tutorial.runtime import debian
from tutorial.site import handout

# A listing with more lines than this does not fit on one printed page.
MOST_LINES = 55

IS_SEEN = "(element) => element.checkVisibility() && element.clientHeight > 0"
NOTES = "main .highlight + ol"
NOTES_ARE_SEEN = f"""() => {{
  dispatchEvent(new Event("beforeprint"));
  return [...document.querySelectorAll({NOTES!r})].every({IS_SEEN});
}}"""
ARE_OPEN = "[...document.querySelectorAll('details')].every((one) => one.open)"
LINE_INDENTS = """
[...document.querySelectorAll("pre > code > span[id*=__line]")].slice(0, 400).map(
  (line) => {
    const style = getComputedStyle(line);
    const code = line.textContent.match(/^[-+]? */)[0].length;
    const ch = parseFloat(style.fontSize) * 0.6;
    return [
      line.textContent,
      parseFloat(style.paddingLeft) / ch - 4 - code,
      parseFloat(style.textIndent) + parseFloat(style.paddingLeft),
    ];
  }
)
"""
DARK = "[...document.querySelectorAll('main *')].filter((one) => {const rgb = " + (
    "getComputedStyle(one).backgroundColor.match(/[.\\d]+/g).map(Number);"
    " return (rgb[3] ?? 1) > 0.5 && Math.max(...rgb.slice(0, 3)) < 120 &&"
    " !one.closest('.md-annotation, .md-tooltip, svg')"
    "}).map((one) => one.outerHTML.slice(0, 200))"
)


def test_a_page_is_printed_without_menus_and_in_light_colours(address, chromium):
    """The colours are light even for a reader who has chosen the dark mode."""
    page = chromium.new_page(color_scheme="dark")
    page.goto(address + "steps/2-view/")
    page.locator(".md-annotation").first.wait_for()
    page.emulate_media(media="print", color_scheme="dark")
    # A browser sends this event before it prints, and the page then unfolds its blocks.
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function(ARE_OPEN)
    for around in (".md-header", ".md-sidebar", ".md-footer", ".headerlink"):
        assert not page.locator(around).first.is_visible(), around
    assert not page.locator("main .md-code__nav:visible").count()
    tabs = page.locator("main .tabbed-block, main .tabbed-labels > label")
    assert tabs.count() > 10
    assert all(one.evaluate(IS_SEEN) for one in tabs.all())
    assert page.locator(NOTES).count() > 4
    # When the height of a block changes, the theme builds the notes of the block again.
    # When a browser prints, the theme does so during the event. In this test, the theme
    # may do so after the event. So repeat the event until the notes are visible.
    page.wait_for_function(NOTES_ARE_SEEN)
    assert page.locator("pre .md-annotation__index").first.is_visible()
    assert not page.evaluate(DARK)
    assert not page.locator("img[src$='#only-dark']:visible").count()
    assert page.locator("img[src$='#only-light']:visible").count()
    for text, inside, begins in page.evaluate(LINE_INDENTS):
        assert abs(inside) < 0.5, f"wrapped text has a wrong indent: {text}"
        assert abs(begins) < 1, f"a line does not begin at the left: {text}"


def test_a_listing_that_fits_on_one_printed_page_is_not_split(address, chromium):
    page = chromium.new_page()
    page.goto(address + "steps/4-worker/")
    page.locator(".md-annotation").first.wait_for()
    pages = defaultdict(list)
    for name, number in handout.first_pages(page.pdf()).items():
        if found := re.fullmatch(r"__codelineno-(\d+)-\d+", name):
            pages[found[1]].append(number)
    assert len(pages) > 20
    assert max(map(max, pages.values())) > 8
    torn = {
        listing: sorted(set(numbers))
        for listing, numbers in pages.items()
        if len(set(numbers)) > 1 and len(numbers) <= MOST_LINES
    }
    assert not torn


class Names(HTMLParser):
    """The ids of a page, its links to its own ids, and the files that it loads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]):
        found = dict(attributes)
        if found.get("id"):
            self.ids.append(found["id"])
        if (found.get("href") or "").startswith("#"):
            self.links.append(found["href"][1:])
        if tag in ("img", "script") and found.get("src"):
            self.loads.append(found["src"].partition("#")[0])


def test_the_handout_contains_all_steps_and_its_links_work(built):
    html = handout.assemble(built.folder)
    names = Names(html)
    # Check only the article, because the theme uses two ids twice outside of it.
    article = Names(handout.ARTICLE.search(html)[2])
    assert len(article.ids) == len(set(article.ids))
    assert {"s7", "s7-run-it", "s4-the-second-process"} <= set(article.ids)
    assert not set(article.links) - set(article.ids)
    assert len(article.links) > 30
    for one in names.loads:
        assert (built.folder / urljoin(handout.ADDRESS, one)).is_file(), one
    contents = re.search(r'<nav class="handout-contents".*?</nav>', html, re.S)[0]
    for step in steps.steps():
        assert f'href="#s{step.name}"' in contents
        assert step.component.replace("'", "&#x27;") in contents
        assert f"{step.minutes} minutes" in contents


@pytest.mark.lab
def test_the_pdf_contains_all_steps_and_lists_their_page_numbers(tmp_path):
    assert debian.install("poppler-utils")
    file = tmp_path / "handout.pdf"
    subprocess.run(
        [sys.executable, "-m", "tutorial", "docs", "--pdf", str(file)],
        cwd=ROOT,
        check=True,
        timeout=300,
    )
    text = subprocess.run(
        ["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True
    ).stdout
    pages = text.split("\f")
    assert "Real-time search" in pages[0]
    for step in steps.steps():
        row = re.search(rf"{step.minutes} minutes +(\d+)$", pages[0], re.M)
        assert row
        entry = rf"^ *{step.name}\. .* {step.minutes} minutes +(\d+)$"
        number = int(re.search(entry, pages[0], re.M)[1])
        assert f"Step {step.name}: the {step.stage}" in pages[number - 1]
        assert re.search(rf"^ *{number}$", pages[number - 1], re.M), "no page number"
        assert f"Step {step.name}: the {step.stage}" not in pages[number - 2]
    assert not re.findall(r"\(\d\)!", text), "the mark of a note was not replaced"
    assert "self.group_name" in text
    assert len(pages) < 100
