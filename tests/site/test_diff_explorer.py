"""Check that the diff explorer shows the complete diff of any two steps."""

import functools
import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import combinations

import pytest
from playwright.sync_api import expect

from support.website import serious
from tutorial.problem import Problem
from tutorial.project import difference, steps
from tutorial.project.difference import FileDiff
from tutorial.site.explorer import views
from tutorial.site.explorer.comparison import Change
from tutorial.site.explorer.highlight import highlighted
from tutorial.site.extension import Page

PAIRS = [*combinations(steps.every(), 2)]

# All tests of a pair run in the same process, which reads their page only once.
each_pair = pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(old, new, id=name, marks=pytest.mark.xdist_group(name))
        for old, new in PAIRS
        for name in [f"{old.name}-{new.name}"]
    ],
)
SIGNS = {"span": " ", "ins": "+", "del": "-", "i": "@"}


@dataclass
class Block:
    """A block of code from a page: sign, line numbers and text of each line."""

    lines: list[tuple[str, list[int], str]] = field(default_factory=list)

    def body(self) -> list[str]:
        """Return the lines as in a unified diff."""
        return [text if sign == "@" else sign + text for sign, _, text in self.lines]

    def code(self) -> list[tuple[int, str]]:
        """Return the lines of one side of a diff, each with its line number."""
        return [(numbers[0], text) for sign, numbers, text in self.lines if sign != "@"]


@dataclass
class ShownFile:
    """A file on a page: its unified diff and, for a changed file, its two columns."""

    heading: str = ""
    is_open: bool = False
    unified: Block | None = None
    sides: list[Block] = field(default_factory=list)


class PairPage(HTMLParser):
    """Reads the page that compares a pair of steps."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.files: dict[str, ShownFile] = {}
        self.text = ""  # the text outside of the diffs
        self.links: list[str] = []
        self._file: ShownFile | None = None
        self._block: Block | None = None
        self._depth = 0  # how many elements are open inside the block
        self._where = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]):
        found = dict(attributes)
        if tag == "details" and found.get("class") == "diff-file":
            self._file = self.files[found["id"]] = ShownFile(is_open="open" in found)
        elif tag == "div" and self._file and found.get("class", "").startswith("diff-"):
            self._where = found["class"].split()[0]
        elif tag == "code" and self._file:
            self._block, self._depth = Block(), 0
            if self._where == "diff-sides":
                self._file.sides.append(self._block)
            else:
                assert self._file.unified is None
                self._file.unified = self._block
        elif self._block:
            self._depth += 1
            if self._depth == 1:
                numbers = [int(n) for n in re.findall(r"\d+", found.get("data-at", ""))]
                sign = (found.get("data-at") or "@")[-1]
                assert sign == SIGNS[tag]
                self._block.lines.append((sign, numbers, ""))
        elif tag == "a":
            self.links.append(found.get("href", ""))

    def handle_endtag(self, tag: str):
        if tag == "code":
            self._block = None
        elif tag == "details":
            self._file = None
        elif self._block:
            self._depth -= 1
            if self._depth == 0:
                sign, numbers, text = self._block.lines[-1]
                assert text.endswith("\n")
                self._block.lines[-1] = (sign, numbers, text[:-1])

    def handle_data(self, data: str):
        if self._block:
            assert self._depth, "a block has text outside of its lines"
            sign, numbers, text = self._block.lines[-1]
            self._block.lines[-1] = (sign, numbers, text + data)
        elif self._file:
            self._file.heading += data
        else:
            self.text += data


@pytest.fixture(scope="session")
def read_page(built):
    """Return a function (old, new) that reads the page about these two steps."""

    @functools.cache
    def read(old, new) -> PairPage:
        folder = built.folder / "diff" / f"{old.name}-{new.name}"
        return PairPage((folder / "index.html").read_text())

    return read


# What the pages contain


def test_each_pair_of_steps_has_a_page_and_there_are_no_others(built):
    found = {page.parent.name for page in (built.folder / "diff").glob("*/index.html")}
    assert found == {f"{old.name}-{new.name}" for old, new in PAIRS}


@each_pair
def test_a_page_shows_the_whole_diff_and_nothing_else(read_page, old, new):
    shown = read_page(old, new).files
    changes = {
        change.path: change for change in difference.compare(old.folder, new.folder)
    }
    assert [*shown] == [*changes]
    for path, change in changes.items():
        body = change.unified()[2:]
        assert (shown[path].unified or Block()).body() == body, path
        if change.kind == "changed":
            check_sides(change, body, shown[path].sides)
        else:
            assert not shown[path].sides


def check_sides(change: FileDiff, body: list[str], sides: list[Block]) -> None:
    """Check that the columns show the lines of the diff and their line numbers."""
    for side, lines, signs in zip(
        sides, (change.old, change.new), (" -", " +"), strict=True
    ):
        expected = [line[1:] for line in body if line[0] in signs]
        assert [text for _, text in side.code()] == expected
        assert [lines[number - 1] for number, _ in side.code()] == expected
    left, right = (side.lines for side in sides)
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        assert (one[0] == " ") == (other[0] == " "), "only one side is unchanged"


@each_pair
def test_a_page_says_what_to_do_besides_editing_files(read_page, old, new):
    page = read_page(old, new)
    text = " ".join(page.text.split())
    sentences = difference.advice(old.folder, new.folder)
    for sentence in sentences:
        title, _, rest = sentence.partition(": ")
        assert title in text
        for part in re.split(r" \(|\)$", rest):
            assert part in text
    assert ("Nothing to install" in text) == (not sentences)
    for step in steps.every():
        if step.component:
            is_on_the_way = old.number < step.number <= new.number
            assert (f": {step.component}." in text) == is_on_the_way
    assert f"python3 -m tutorial diff {old.name} {new.name}" in text


def test_a_page_names_the_processes_to_start_and_to_restart(read_page):
    text = " ".join(read_page(steps.find("3"), steps.find("4")).text.split())
    assert "New process: worker, celery --app config worker" in text
    assert "INFO. Without python3 -m tutorial run, start this process in a" in text
    assert "Restart this process: web, because the packages have changed" in text
    text = " ".join(read_page(steps.find("4"), steps.find("5")).text.split())
    assert "Restart these processes: web and worker, because the packages" in text


@each_pair
def test_each_file_has_its_line_counts_and_a_link(read_page, old, new):
    page = read_page(old, new)
    text = " ".join(page.text.split())
    for change in difference.compare(old.folder, new.folder):
        counts = [change.path, change.kind]
        counts += [f"+{change.added}"] if change.added else []
        counts += [f"−{change.removed}"] if change.removed else []
        assert " ".join(counts) in text
        shown = page.files[change.path]
        assert " ".join(shown.heading.split()).startswith(" ".join(counts))
        assert f"#{change.path}" in page.links
        is_folded = change.path.endswith(".css") or "migrations" in change.path
        assert shown.is_open == (not is_folded)


@each_pair
def test_a_page_links_to_the_previous_and_the_next_pair(read_page, old, new):
    links = read_page(old, new).links
    by_number = {step.number: step for step in steps.every()}
    for places in (-1, 1):
        beside = [by_number.get(step.number + places) for step in (old, new)]
        if all(beside):
            assert f"../{beside[0].name}-{beside[1].name}/" in links
    assert "../" in links, "the entry page"


def test_the_search_does_not_find_the_pages_of_pairs(built):
    index = json.loads((built.folder / "search" / "search_index.json").read_text())
    found = {entry["location"] for entry in index["docs"]}
    assert "diff/" in found
    assert not [location for location in found if re.match(r"diff/\w+-", location)]


def test_the_entry_page_links_to_each_pair_and_sums_up_each_step(built):
    page = PairPage((built.folder / "diff" / "index.html").read_text())
    for old, new in PAIRS:
        assert f"{old.name}-{new.name}/" in page.links
    text = " ".join(page.text.split())
    for step in steps.steps()[1:]:
        changes = [
            *difference.compare(steps.find(str(step.number - 1)).folder, step.folder)
        ]
        assert re.search(
            rf"{re.escape(step.component)}\. \+{sum(c.added for c in changes)} "
            rf"(−{sum(c.removed for c in changes)} )?in {len(changes)} files"
            rf" · {step.minutes} minutes",
            text,
        )


# How a file becomes HTML


def test_highlighted_code_has_complete_html_for_each_line():
    lines = ('"""One', "<two> & three", "", '"""', "x = 1  ", "\tif x:", "")
    for path in ("views.py", "page.html", "Procfile", "Dockerfile", "a.unknown", ".x"):
        pieces = highlighted(path, lines)
        assert len(pieces) == len(lines)
        for piece, line in zip(pieces, lines, strict=True):
            assert piece.count("<span") == piece.count("</span>")
            assert piece.striptags() == line.strip() or not line.strip()
            assert text_of(piece) == line


def text_of(html: str) -> str:
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_data = found.append
    parser.feed(html)
    return "".join(found)


def test_python_code_is_highlighted():
    assert '<span class="k">def</span>' in highlighted("a.py", ("def a(): pass",))[0]


def test_a_removed_file_has_only_a_unified_view():
    change = Change.of(FileDiff("a.py", ["one", "<two>"], None))
    assert change.kind == "removed"
    assert not change.has_two_sides
    page = PairPage(
        '<details class="diff-file" id="a.py"><div class="diff-whole"><code>'
        f"{views.unified(change)}</code></div></details>"
    )
    assert page.files["a.py"].unified.body() == ["@@ -1,2 +0,0 @@", "-one", "-<two>"]


def test_an_invalid_pairs_fence_is_reported_with_the_name_of_the_page():
    for body in ("show: all", "show: [table]", ""):
        with pytest.raises(Problem, match="x.md: a pairs fence shows one of choose,"):
            Page("x.md").expand(f"```pairs\n{body}\n```")


# In a browser


@pytest.fixture
def page(chromium, address):
    """Open an empty page in a wide window."""
    return chromium.new_page(viewport={"width": 1280, "height": 900})


def is_side_by_side(page) -> bool:
    """Check that exactly one view is visible. Return whether it is side by side."""
    sides = page.locator(".diff-sides").first.is_visible()
    assert page.locator(".diff-unified").first.is_visible() != sides
    return sides


@pytest.mark.parametrize(("first", "second"), [("3", "4"), ("final", "3")])
def test_two_steps_are_chosen_by_keyboard(page, address, first, second):
    page.goto(address + "diff/")
    page.get_by_label("From", exact=True).focus()
    page.keyboard.type(first)
    page.keyboard.press("Tab")
    expect(page.get_by_label("To", exact=True)).to_be_focused()
    page.keyboard.type(second)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Show")).to_be_focused()
    assert page.url == address + "diff/", "the page changed before Show was pressed"
    page.keyboard.press("Enter")
    older, newer = sorted([first, second])  # digits come before letters
    expect(page).to_have_url(f"{address}diff/{older}-{newer}/")
    expect(page.get_by_label("From", exact=True)).to_have_value(older)
    expect(page.get_by_label("To", exact=True)).to_have_value(newer)


def test_the_select_fields_on_the_page_of_a_pair_lead_to_other_pairs(page, address):
    page.goto(address + "diff/3-4/")
    page.get_by_label("From", exact=True).select_option("1")
    page.get_by_label("To", exact=True).select_option("2")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(f"{address}diff/1-2/")
    page.go_back()
    expect(page).to_have_url(f"{address}diff/3-4/")
    expect(page.get_by_label("From", exact=True)).to_have_value("3")
    expect(page.get_by_label("To", exact=True)).to_have_value("4")


def test_after_going_back_the_select_fields_match_the_page(page, address):
    """If the browser restores an earlier choice, the page resets the select fields."""
    page.goto(address + "diff/3-4/")
    chosen = page.get_by_label("To", exact=True)
    chosen.select_option("7")
    page.evaluate(
        "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
    )
    expect(chosen).to_have_value("4")


def test_choosing_the_same_step_twice_is_reported(page, address):
    page.goto(address + "diff/3-4/")
    page.get_by_label("To", exact=True).select_option("3")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("status")).to_contain_text("Both steps are the same")
    assert page.url == address + "diff/3-4/"


def test_a_view_can_be_chosen_by_keyboard_and_is_remembered(page, address):
    page.goto(address + "diff/3-4/")
    assert is_side_by_side(page)
    page.get_by_label("side by side", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("unified", exact=True)).to_be_checked()
    assert not is_side_by_side(page)
    page.goto(address + "diff/4-5/")
    expect(page.get_by_label("unified", exact=True)).to_be_checked()
    assert not is_side_by_side(page)
    page.get_by_label("side by side", exact=True).check()
    assert is_side_by_side(page)
    page.reload()
    assert is_side_by_side(page)


def test_a_view_can_be_chosen_without_local_storage(page, address):
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage',"
        " { get() { throw new Error('no storage'); } })"
    )
    failures = []
    # The theme's script raises an error, because it uses the storage. Our script must
    # not raise an error.
    page.on("pageerror", lambda error: failures.append(error.stack or error.message))
    page.goto(address + "diff/3-4/")
    expect(page.get_by_label("side by side", exact=True)).to_be_checked()
    assert is_side_by_side(page)
    page.get_by_label("unified", exact=True).check()
    assert not is_side_by_side(page)
    assert not [failure for failure in failures if "diff.js" in failure]


@pytest.fixture
def phone(chromium, address):
    """Return a function (scheme) that opens a diff on a phone and unfolds its files."""

    def show(scheme: str):
        phone = chromium.new_page(
            viewport={"width": 360, "height": 740}, color_scheme=scheme
        )
        phone.goto(address + "diff/3-4/")
        assert not is_side_by_side(phone)
        expect(phone.get_by_label("unified", exact=True)).to_be_checked()
        phone.evaluate(
            "document.querySelectorAll('details').forEach(d => d.open = true)"
        )
        return phone

    return show


def choose(page, view: str) -> None:
    """Choose a view, and wait until the keyboard can reach the parts that scroll."""
    page.get_by_label(view, exact=True).check()
    page.wait_for_function(
        """() => [...document.querySelectorAll('.diff-sides')].every(
             box => !box.offsetParent || box.tabIndex === 0)"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["unified", "side by side"])
def test_each_view_is_accessible_on_a_phone(phone, scheme, view):
    page = phone(scheme)
    choose(page, view)
    assert not serious(page)


def test_on_a_phone_the_columns_scroll_sideways_but_the_page_does_not(phone):
    page = phone("light")
    for view in ("unified", "side by side"):
        choose(page, view)
        assert is_side_by_side(page) == (view == "side by side")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    box = page.locator(".diff-sides").first
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert box.evaluate("box => (box.scrollLeft = 500, box.scrollLeft)") > 0


@pytest.mark.parametrize(("width", "is_wide"), [(1280, True), (360, False)])
def test_without_javascript_links_open_pairs_and_views_can_be_chosen(
    chromium, address, width, is_wide
):
    context = chromium.new_context(
        java_script_enabled=False, viewport={"width": width, "height": 740}
    )
    page = context.new_page()
    page.goto(address + "diff/")
    page.get_by_role("link", name="From step 3 to step 4: ").click()
    expect(page).to_have_url(address + "diff/3-4/")
    expect(page.locator(".diff-choose noscript")).to_be_visible()
    expect(page.locator("select").first).to_be_hidden()
    assert is_side_by_side(page) == is_wide
    shown = page.locator('[id="search/views.py"] ins').locator("visible=true")
    expect(shown.filter(has_text="context = {")).to_have_count(1)
    other = "unified" if is_wide else "side by side"
    page.get_by_label(other, exact=True).check()
    assert is_side_by_side(page) != is_wide
    page.get_by_role("link", name="From step 4 to step 5").click()
    expect(page).to_have_url(address + "diff/4-5/")


def test_following_a_link_to_a_folded_file_unfolds_the_file(page, address):
    style = page.locator('[id="search/static/search/style.css"]')
    page.goto(address + "diff/3-4/")
    assert style.get_attribute("open") is None
    page.get_by_role("link", name="search/static/search/style.css").click()
    expect(style).to_have_attribute("open", "")
    expect(style).to_be_in_viewport()


@pytest.mark.parametrize("view", ["side by side", "unified"])
def test_copied_text_contains_only_code(page, address, view):
    page.goto(address + "diff/3-4/")
    page.get_by_label(view, exact=True).check()
    name = ".diff-sides div:last-child" if view == "side by side" else ".diff-unified"
    code = page.locator(f'[id="search/tasks.py"] {name} code')
    copied = code.evaluate(
        "code => (getSelection().selectAllChildren(code), getSelection().toString())"
    )
    changes = difference.compare(steps.find("3").folder, steps.find("4").folder)
    tasks = next(change for change in changes if change.path == "search/tasks.py")
    signs = " +" if view == "side by side" else " +-"
    lines = [line[1:] for line in tasks.unified()[2:] if line[0] in signs]
    assert copied.rstrip("\n").splitlines() == lines
