"""The listings of all pages show files, and the changes to them, correctly."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tutorial.paths import ROOT
from tutorial.site import code_html, fences, listing
from tutorial.site.extension import step_of
from tutorial.site.listing import Listing
from tutorial.site.pair import find_pair
from tutorial.site.typed import Typed

DOCS = ROOT / "docs"
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if "```step\n" in page.read_text()]
HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def listings(page: Path) -> Iterator[tuple[Listing, list[str]]]:
    """Yield the listings of a page in order, each with the lines of its Markdown."""
    typed: dict[str, dict[str, Typed]] = {}
    found: list[Listing] = []

    def collect(kind: str, body: str) -> list[str]:
        own = re.search(r"^step: *(\S+) *$", body, re.M)
        pair = find_pair(own[1] if own else step_of(page.read_text()))
        files = typed.setdefault(pair.name, {})
        found.append(listing.read(pair, body, files))
        if not found[-1].is_bare:
            files[found[-1].file.path] = found[-1].after
        return []

    fences.expand(page.read_text(), ("step",), collect)
    for one in found:
        yield one, listing.render(one)


def block(lines: list[str], tab: str) -> tuple[str, list[str]]:
    """Return the block of code in a tab, as (opening fence, lines of code)."""
    at = next(n for n, line in enumerate(lines) if line.strip() == f'=== "{tab}"')
    first = next(n for n in range(at, len(lines)) if lines[n].strip().startswith("```"))
    fence = lines[first].strip()
    marks = re.match("`+", fence)[0]
    indent = len(lines[first]) - len(lines[first].lstrip())
    body = []
    for line in lines[first + 1 :]:
        if line.strip() == marks:
            return fence, body
        body.append(line[indent:])
    raise AssertionError(lines)


def changed(page: Path) -> list[tuple[Listing, list[str]]]:
    """Return the listings with two tabs on a page, each with its Markdown."""
    return [
        (one, lines)
        for one, lines in listings(page)
        if any(line.strip() == '=== "The file"' for line in lines)
    ]


def name_of(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


@pytest.fixture(params=PAGES, ids=name_of)
def page(request) -> Path:
    """Return a page that contains listings."""
    return request.param


def test_the_line_numbers_of_a_hunk_match_the_file_typed_so_far(page):
    for one, lines in changed(page):
        before, after = one.before.lines(), one.after.lines()
        _, diff = block(lines, "What changes")
        hunks = [n for n, line in enumerate(diff) if HUNK.fullmatch(line)]
        assert hunks, one.file.path
        for start, stop in zip(hunks, [*hunks[1:], len(diff)], strict=True):
            old, _, new, _ = HUNK.fullmatch(diff[start]).groups()
            body = diff[start + 1 : stop]
            minus = [line[1:] for line in body if not line.startswith("+")]
            plus = [line[1:] for line in body if not line.startswith("-")]
            at, then = max(int(old) - 1, 0), max(int(new) - 1, 0)
            assert before[at : at + len(minus)] == minus, one.file.path
            assert after[then : then + len(plus)] == plus, one.file.path


def test_removed_lines_precede_added_ones(page):
    for one, lines in changed(page):
        _, diff = block(lines, "What changes")
        signs = "".join(line[:1] for line in diff[2:])
        assert "+-" not in signs, one.file.path


def lit_of(fence: str, lines: list[str]) -> list[bool]:
    """Return for each line of a listing whether it is marked as new."""
    found = re.search(r'hl_lines="([\d ]+)"', fence)
    numbers = set(map(int, found[1].split())) if found else set()
    return [number in numbers for number in range(1, len(lines) + 1)]


def is_code(line: str) -> bool:
    """Return whether a line of a listing is a non-blank line of the file."""
    return bool(line.strip()) and not line.strip().startswith(
        (code_html.GAP, code_html.GONE)
    )


def test_each_part_of_a_listing_begins_and_ends_with_an_unmarked_line(page):
    """New lines at the start or the end of the file are the exception."""
    for one, lines in changed(page):
        fence, shown = block(lines, "The file")
        lit = lit_of(fence, shown)
        filled = [n for n, line in enumerate(shown) if is_code(line)]
        new = one.file.new
        above, below = range(one.parts[0].start), range(one.parts[-1].stop, len(new))
        for edge, beyond in ((filled[0], above), (filled[-1], below)):
            is_outer = not any(new[n].strip() and one.after.has(n) for n in beyond)
            assert not lit[edge] or is_outer, (one.file.path, shown[edge])
        gaps = [n for n, line in enumerate(shown) if line.strip() == code_html.GAP]
        for gap in gaps:
            above = max(n for n in filled if n < gap)
            below = min(n for n in filled if n > gap)
            assert not lit[above], (one.file.path, shown[above])
            assert not lit[below], (one.file.path, shown[below])


def test_lines_without_a_gap_between_them_follow_each_other_in_the_file(page):
    """The comparison ignores blank lines."""
    for one, lines in changed(page):
        _, shown = block(lines, "The file")
        now = [line for line in one.after.lines() if line.strip()]
        notes = re.compile(r"(# |// |/\* |<!-- )?\(\d+\)!?( \*/| -->)?$")
        part: list[str] = []
        for line in [*shown, code_html.GAP]:
            if is_code(line):
                part.append(notes.sub("", line))
            elif line.strip() == code_html.GAP:
                starts = range(len(now) - len(part) + 1)
                found = any(now[n : n + len(part)] == part for n in starts)
                assert found, (one.file.path, part)
                part = []


def test_a_removed_line_is_also_shown_in_the_tab_of_the_file(page):
    for one, lines in changed(page):
        _, shown = block(lines, "The file")
        _, diff = block(lines, "What changes")
        gone = [line.strip() for line in shown if line.strip().startswith("\ue001")]
        removed = [
            line[1:] for line in diff[2:] if line[:1] == "-" and line[1:].strip()
        ]
        # A line that the diff removes but the file still contains was only moved.
        stays = one.after.lines()
        for line in removed:
            assert code_html.gone(line) in gone or line in stays, one.file.path


def test_no_line_of_a_listing_is_only_an_ellipsis(page):
    for one, lines in listings(page):
        for line in lines:
            sign = re.fullmatch(r"\s*(#|//|<!--|/\*)? ?…( -->| \*/)?", line)
            assert not sign, one.file.path
