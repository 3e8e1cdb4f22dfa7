"""Check that the pages match the steps, are readable, and have no broken links."""

import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from playwright.sync_api import expect

from support.website import search, serious
from tutorial.capture import recording
from tutorial.paths import ROOT
from tutorial.project import steps
from tutorial.site import fences, mkdocs_hooks, shown
from tutorial.site.extension import FRONT_MATTER
from tutorial.site.listing import FIELDS
from tutorial.site.pair import find_pair

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
STEP_PAGES = {
    step.name: DOCS / "steps" / f"{step.name}-{step.stage}.md" for step in steps.steps()
}

MOST_SECONDS = 10


def name_of(page: Path) -> str:
    return page.relative_to(DOCS).as_posix() if page.is_relative_to(DOCS) else page.name


# What the pages contain


def test_the_listings_of_a_page_are_the_whole_step():
    """The listings of a step's page show exactly the lines that the step changes."""
    for step in steps.steps():
        check_listings(step)


def check_listings(step: steps.Step) -> None:
    """Check that a step's page shows exactly the lines that the step changes."""
    pair = find_pair(step.name)
    listings = shown(STEP_PAGES[step.name])
    for path, kind in pair.kinds().items():
        assert kind != "removed", "a page cannot show that a file is removed"
        file = pair.file(path)
        assert (pair.name, path) in listings, f"{path} is not shown"
        found = listings[pair.name, path]
        missing = [file.new[n] for n in sorted(file.comes() - found.added)]
        assert not missing, f"page {step.name}: lines of {path} are not shown"
        staying = [file.old[n] for n in sorted(file.goes() - found.removed)]
        assert not staying, f"page {step.name}: removed lines of {path} are not shown"


def test_each_step_has_a_page_and_each_page_has_a_step():
    assert all(page.exists() for page in STEP_PAGES.values())
    assert {*STEP_PAGES.values()} == {*(DOCS / "steps").glob("*.md")}


def test_a_recorded_log_gets_fixed_times_and_ids():
    lines = [
        ("browser", 'stage 1 · template · - · the form sends "What?"'),
        ("browser", "stage 7 · browser · 0123abcd · the answer is in the page"),
        ("worker", "2026-01-02 10:00:01,500 stage 5 · signal · 0123abcd · to user_42"),
        ("web", "2026-01-02 10:00:00,250 stage 2 · view · 0123abcd · user_42 asks"),
        ("web", "GET / HTTP/1.1 200"),
        ("worker", "2026-01-02 10:00:02,000 stage 4 · worker · fedcba98 · another"),
    ]
    assert recording.normalise(lines).splitlines() == [
        'browser | stage 1 · template · - · the form sends "What?"',
        "web     | 12:00:00,000 stage 2 · view · 7d0c2f4a · user_1 asks",
        "worker  | 12:00:01,250 stage 5 · signal · 7d0c2f4a · to user_1",
        "browser | stage 7 · browser · 7d0c2f4a · the answer is in the page",
    ]


# The language of the pages

FENCES = re.compile(r"^( *)(`{3,}|~{3,}).*?^\1\2`*\s*$", re.M | re.S)
UNWANTED = re.compile(r"\b(simply|just|easy|easily|obviously)\b", re.I)
# The syntax of pictures, admonitions and comments contains an exclamation mark.
MARKS = re.compile(r"!(?=\[)|^ *!!!(?= )|<!--.*?-->", re.M | re.S)


def prose(page: Path) -> str:
    """Return the text of a page and its notes, but not its code and front matter."""
    notes: list[str] = []

    def collect(kind: str, body: str) -> list[str]:
        found = fences.fields(kind, body, FIELDS).get("notes") or {}
        notes.extend(found.values())
        return []

    text = FRONT_MATTER.sub("", page.read_text())
    text = fences.expand(text, ("step",), collect)
    text = "\n\n".join([FENCES.sub("", text), *notes])
    # In the README, code is indented. On the other pages, code is in fences.
    if page.name == "README.md":
        text = re.sub(r"(?<=\n\n)(    .*\n)+", "", text)
    return MARKS.sub("", re.sub(r"`+[^`]+`+", "", text))


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=name_of)
def test_a_page_has_no_unwanted_words_and_no_exclamation_marks(page):
    text = prose(page)
    assert not UNWANTED.findall(text)
    calm = text.replace("Search has started!", "")
    assert not re.findall(r".*!(?!=).*", calm)


def test_the_spelling_is_correct():
    result = subprocess.run(
        [sys.executable, "-m", "codespell_lib", "docs", "README.md", "mkdocs.yml"]
        + [
            "tutorial",
            "steps",
            "final",
            "--skip",
            "*.png,*.sqlite3*,*.pyc,*.log,*.patch",
        ]
        # `asend` is a method of asynchronous generators, and `propert` is the beginning
        # of a word in a pattern.
        + ["--ignore-words-list", "asend,propert"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr


# The built site


@dataclass
class Links(HTMLParser):
    """The links and the anchors of a page, and the addresses of what it loads."""

    page: Path
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.page.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]):
        found = dict(attributes)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        source = found.get("href" if tag in ("a", "link", "use") else "src")
        sets = [
            part.split()[0] for part in (found.get("srcset") or "").split(",") if part
        ]
        if tag == "a" and source is not None:
            self.links.append(source)
        else:
            self.loaded += [one for one in (source, *sets) if one]


@pytest.fixture(scope="session")
def parsed(built) -> dict[Path, Links]:
    """Read the links and anchors of all pages of the built site."""
    return {page: Links(page) for page in built.pages()}


def test_the_build_prints_no_warnings_and_is_fast(built):
    assert not re.findall(r".*(?:WARNING|ERROR|Traceback).*", built.output)
    assert built.seconds < MOST_SECONDS


def test_every_page_is_in_the_navigation(built):
    home = (built.folder / "index.html").read_text()
    for page in PAGES:
        path = page.relative_to(DOCS).with_suffix("").as_posix()
        if path != "index":
            assert f'href="{path}/"' in home, path


def test_every_internal_link_and_anchor_resolves(built, parsed):
    wrong = []
    for page, found in parsed.items():
        address = page.relative_to(built.folder).as_posix()
        for link in (*found.links, *found.loaded):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            path = unquote(urlsplit(urljoin(f"http://site/{address}", link)).path)
            target = built.folder / path.removeprefix("/")
            target = target / "index.html" if path.endswith("/") else target
            # In the address of a picture, the fragment is the name of a theme.
            themes = {"only-light", "only-dark"}
            anchors = parsed[target].anchors if target in parsed else themes
            if link.startswith("/") or not target.is_file():
                wrong.append((address, link, "leads nowhere"))
            elif parts.fragment and unquote(parts.fragment) not in anchors:
                wrong.append((address, link, "no such anchor"))
    assert not wrong


def test_no_page_loads_anything_from_another_host(built, parsed):
    for page, found in parsed.items():
        for source in found.loaded:
            parts = urlsplit(source)
            assert not parts.netloc, f"{page}: {source}"
            assert parts.scheme in ("", "data"), f"{page}: {source}"
    for sheet in built.folder.rglob("*.css"):
        loaded = re.findall(r"url\([\"']?([^)\"']+)|@import", sheet.read_text())
        assert not [one for one in loaded if urlsplit(one).netloc], sheet


def test_no_markdown_syntax_is_left_in_the_built_pages(built):
    for page in built.pages():
        code = re.sub(r"<code.*?</code>", "", page.read_text(), flags=re.S)
        for sign in ("```", "{: .place }", "*[", '=== "'):
            assert sign not in code, page


def test_the_recorded_logs_are_not_part_of_the_site(built):
    assert not list(built.folder.rglob("step_*.txt"))


# The built site in a browser


# Some of the many pages of the diff explorer: 3-4 has a new process and a migration,
# 6-7 needs no restart, 1-final is the longest, and 7-final leads to the finished app.
LOOKED_AT = ("diff/3-4/", "diff/6-7/", "diff/1-final/", "diff/7-final/")


def address_of(page: Path) -> str:
    """Return the address of a page, relative to the address of the site."""
    path = page.relative_to(DOCS).with_suffix("").as_posix()
    return "" if path == "index" else f"{path}/"


# The addresses of all pages in `docs/`, and of some pages of the diff explorer.
KINDS = [*map(address_of, PAGES), *LOOKED_AT]


def test_the_first_search_result_is_the_definition_of_the_term(address, chromium):
    page = chromium.new_page()
    page.goto(address + "glossary/")
    found = search(page, "channel layer")
    found.and_(page.locator("[href*='#']")).first.click()
    # A reader who searches for a term needs its definition first.
    expect(page).to_have_url(
        re.compile(re.escape(address) + r"glossary/\?h=.*#channel-layer")
    )


# The pages that are also checked in dark mode. Dark mode changes only colours, and
# these are the same on all pages of one kind.
DARK = [
    *("", "setup/", "steps/4-worker/", "final/", "speed/", "flow/", "troubleshooting/"),
    *("diff/", "diff/3-4/", "diff/7-final/", "glossary/", "instructors/"),
]
# Pages that are checked as a whole. On the other pages, only the content is checked,
# because the header, the menus and the footer are the same on all pages.
WHOLE = ("", "steps/4-worker/", "diff/3-4/", "flow/")
UNFOLD = "document.querySelectorAll('details').forEach(d => d.open = true)"


# These pages are built like the pages of the other steps, so only `-m lab` checks them.
ALIKE = ("steps/2-view/", "steps/3-queue/", "steps/5-signal/", "steps/6-consumer/")


@pytest.mark.slow(6)
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.lab] if path in ALIKE else [])
        for path in KINDS
    ],
)
def test_a_page_is_accessible_and_requests_nothing_from_other_hosts(
    address, chromium, path
):
    """axe-core finds no serious problem, not even in hidden tabs and closed blocks."""
    page = chromium.new_page(color_scheme="light")
    asked, failed = note_requests(page)
    inside = "html" if path in WHOLE else ".md-content"
    page.goto(address + path)
    page.evaluate(UNFOLD)
    assert not serious(page, inside=inside)
    last_tabs = page.locator(".tabbed-labels > :last-child")
    if last_tabs.count():
        last_tabs.evaluate_all("tabs => tabs.forEach(tab => tab.click())")
        assert not serious(page, inside=".tabbed-content")
    if path in DARK:
        page.emulate_media(color_scheme="dark")
        expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "slate")
        assert not serious(page, inside=inside, only_contrast=True)
    assert asked
    assert not [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert not failed


def test_pale_text_is_found_once_after_hidden_text_of_the_same_look(chromium):
    page = chromium.new_page()
    page.set_content(
        "<style>.pale { color: #ddd }</style><div class=md-search aria-label=x></div>"
        "<p class=pale hidden>Hidden</p><p class=pale>First</p><p class=pale>Second</p>"
        "<p>Dark</p><p style='color: #ddd'>Third</p>"
    )
    assert serious(page, only_contrast=True) == [
        (
            "color-contrast",
            ['<p class="pale">First</p>', '<p style="color: #ddd">Third</p>'],
        )
    ]


def note_requests(page) -> tuple[list[str], list[str]]:
    """Collect the requests that the page makes after this call.

    Return a list of all requested addresses, and a list of the failed requests. Both
    lists grow with each request.
    """
    asked, failed = [], []

    def note_failure(request):
        # When a browser leaves a page, it cancels the page's open requests.
        if request.failure != "net::ERR_ABORTED":
            failed.append(f"{request.url}: {request.failure}")

    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda r: failed.append(r.url) if r.status >= 400 else None)
    page.on("requestfailed", note_failure)
    return asked, failed


CUT_OFF = """
[...document.querySelectorAll("main *")]
  .filter((element) => element.scrollWidth > element.clientWidth + 1)
  .filter((element) => getComputedStyle(element).overflowX in {auto: 1, scroll: 1})
  .filter((element) => element.clientWidth && !element.closest("pre, .highlight"))
  .map((element) => `${element.className}: ${element.textContent.slice(0, 80)}`)
"""


SPLIT_KEYS = r"""
[...document.querySelectorAll("main td:first-child > code")]
  .filter((code) => /^[\w\/]{1,13}$/.test(code.textContent))
  .filter((code) => code.checkVisibility() && code.getClientRects().length > 1)
  .map((code) => code.textContent)
"""
# Finds parts of paths and names in tables that are broken inside a word.
SPLIT_NAMES = r"""
[...document.querySelectorAll("main td code:has(wbr)")]
  .filter((code) => code.checkVisibility())
  .flatMap((code) => [...code.childNodes])
  .filter((part) => part.nodeType === Node.TEXT_NODE && !/[\s-]/.test(part.data))
  .filter((part) => {
    const range = document.createRange();
    range.selectNodeContents(part);
    return range.getClientRects().length > 1;
  })
  .map((part) => part.data)
"""


def test_on_a_phone_only_code_scrolls_sideways(address, chromium):
    phone, narrow = {"width": 360, "height": 740}, {"width": 320, "height": 600}
    with_scripts = chromium.new_page(viewport=phone)
    without = chromium.new_page(viewport=phone, java_script_enabled=False)
    for path in (*map(address_of, PAGES), *LOOKED_AT):
        # Open the pages of the diff explorer without scripts, because these pages are
        # long, and scripts do not change their layout.
        page = without if path.startswith("diff/") else with_scripts
        page.set_viewport_size(phone)
        page.goto(address + path, wait_until="load")
        if page is with_scripts:
            # Wait until the site's own script has run. The theme's script runs first.
            page.locator(".md-search[aria-label]").wait_for(state="attached")
        assert not page.evaluate(CUT_OFF), path
        for size in (phone, narrow) if page is with_scripts else (phone,):
            page.set_viewport_size(size)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], path
            assert not page.evaluate(SPLIT_KEYS), path
            assert not page.evaluate(SPLIT_NAMES), path


CUT = """
[...document.querySelectorAll(".language-sh code, .story code")]
  .filter((code) => code.offsetParent && code.scrollWidth > code.clientWidth)
  .map((code) => code.textContent)
"""
TORN = """
[...document.querySelectorAll("code .whole")]
  .filter((word) => word.getClientRects().length > 1)
  .map((word) => word.textContent)
"""


@pytest.mark.parametrize("width", [360, 820, 1400])
def test_commands_and_logs_are_not_cut_off(address, chromium, width):
    """Long lines break between words, but never at the hyphens of an option."""
    page = chromium.new_page(viewport={"width": width, "height": 740})
    for path in ("setup/", "steps/4-worker/", "steps/5-signal/", "troubleshooting/"):
        page.goto(address + path, wait_until="load")
        assert page.locator("code .whole").count()
        assert not page.evaluate(CUT), path
        assert not page.evaluate(TORN), path


# The command that serves the site


def test_files_that_a_running_step_writes_are_not_watched(tmp_path):
    for name in ("db.sqlite3", "db.sqlite3-wal", "__pycache__/a.pyc", "x.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "views.py").write_text("x")
    assert [entry.name for entry in mkdocs_hooks.entries(tmp_path)] == ["views.py"]
