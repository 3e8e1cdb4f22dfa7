"""Check how listings look on a phone and on a desktop, and what their button copies."""

import pytest

from tutorial.project import steps

STEPS = [f"steps/{step.name}-{step.stage}/" for step in steps.steps()]
# The pages of the other steps are built like this one, so only `-m lab` checks them.
LOOKED_AT = ("steps/4-worker/",)

COVERED = """
[...document.querySelectorAll("pre")]
  .filter((pre) => pre.checkVisibility() && pre.querySelector(".md-code__nav"))
  .filter((pre) => {
    const button = pre.querySelector(".md-code__nav").getBoundingClientRect();
    const code = pre.querySelector("code").getBoundingClientRect();
    return button.bottom > code.top + 1;
  })
  .map((pre) => pre.textContent.slice(0, 80))
"""
CUT = """
[...document.querySelectorAll("[class*=language-html] > pre > code, .prints code")]
  .filter((code) => code.checkVisibility() && code.scrollWidth > code.clientWidth)
  .map((code) => code.textContent.slice(0, 80))
"""
# Finds templates with a wrapped line: without wrapping, they would be less tall. A
# reader who types a wrapped line as two lines may break a tag of the template.
WRAPPED = """
[...document.querySelectorAll("[class*=language-html] > pre > code")]
  .filter((code) => code.checkVisibility())
  .filter((code) => {
    const before = code.offsetHeight;
    code.style.whiteSpace = "pre";
    const is_wrapped = code.offsetHeight < before;
    code.style.whiteSpace = "";
    return is_wrapped;
  })
  .map((code) => code.textContent.slice(0, 80))
"""
# Finds wrapped lines whose second and later rows are not indented.
NOT_INDENTED = """
[...document.querySelectorAll(".prints > pre > code > span[id^=__line]")]
  .filter((line) => {
    const range = document.createRange();
    range.selectNodeContents(line);
    const rows = [...range.getClientRects()].filter((rect) => rect.width > 1);
    const first = rows[0]?.top;
    const rest = rows.filter((rect) => rect.top > first + 4);
    return rest.some((rect) => rect.left <= Math.min(...rows.map((r) => r.left)));
  })
  .map((line) => line.textContent)
"""
ON_TOP = """(sign) => {
  sign.scrollIntoView({ block: "center", inline: "center" });
  const { left, top, width, height } = sign.getBoundingClientRect();
  const found = document.elementFromPoint(left + width / 2, top + height / 2);
  return sign === found || sign.contains(found) || found?.contains(sign);
}"""
CODE_AND_SIGNS = """
[...document.querySelectorAll("pre:has(.gap, .gone) > code")].map((code) => [
  code.textContent, code.querySelectorAll(".gap, .gone").length,
  [...code.querySelectorAll(".gone")].map((one) => one.dataset.line),
])
"""

# Finds the blocks whose text differs from the text that the theme's button copies.
WRONGLY_COPIED = """
[...document.querySelectorAll("main pre > code")].filter(
  (code) => code.checkVisibility()
).map((code) => {
  code.setAttribute("data-md-copying", "");
  const copied = code.innerText.trimEnd();
  code.removeAttribute("data-md-copying");
  const plain = code.cloneNode(true);
  plain.querySelectorAll(".md-annotation").forEach((sign) => sign.remove());
  return [copied, plain.textContent.trimEnd()];
}).filter(([copied, text]) => copied !== text)
"""


def look_at(chromium, address: str, path: str, width: int):
    """Open the page in a window of this width, and wait until its scripts have run."""
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.goto(address + path)
    page.locator(".md-code__nav").first.wait_for(state="attached")
    page.locator(".md-annotation").first.wait_for(state="attached")
    return page


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[] if path in LOOKED_AT else [pytest.mark.lab])
        for path in STEPS
    ],
)
def test_on_a_phone_no_listing_is_cut_off_and_each_note_can_be_tapped(
    address, chromium, path
):
    page = look_at(chromium, address, path, 390)
    assert not page.evaluate(COVERED)
    assert not page.evaluate(CUT)
    assert not page.evaluate(NOT_INDENTED)
    signs = page.locator("main .md-annotation__index:visible")
    assert signs.count() > 1
    unreachable = [
        sign.evaluate("one => one.closest('pre').textContent.slice(0, 60)")
        for sign in signs.all()
        if not sign.evaluate(ON_TOP)
    ]
    assert not unreachable
    page.set_viewport_size({"width": 1280, "height": 800})
    assert not page.evaluate(CUT)


@pytest.mark.parametrize(
    "path",
    ["steps/1-template/", "steps/2-view/", "steps/4-worker/", "steps/7-browser/"],
)
def test_on_a_desktop_no_line_of_a_template_wraps(address, chromium, path):
    assert not look_at(chromium, address, path, 1280).evaluate(WRAPPED)


def test_gaps_and_removed_lines_are_shown_but_not_copied(address, chromium):
    page = look_at(chromium, address, "steps/4-worker/", 1280)
    found = page.evaluate(CODE_AND_SIGNS)
    assert len(found) > 2
    for text, signs, gone in found:
        assert signs
        assert "\n\ue000" not in text
        assert "…" not in text
        assert not [line for line in gone if line and f"{line}\n" in text]
    assert any("time.sleep(3)" in gone for _, _, gone in found)


@pytest.mark.parametrize("path", ["steps/1-template/", "steps/4-worker/"])
def test_the_button_copies_exactly_the_code(address, chromium, path):
    """The layout of the page adds no empty lines to the copied text."""
    page = look_at(chromium, address, path, 1280)
    page.evaluate(
        "document.querySelectorAll('details').forEach((one) => one.open = true)"
    )
    assert not page.evaluate(WRONGLY_COPIED)
    tabs = page.get_by_text("What changes", exact=True)
    for tab in tabs.all():
        tab.click()
    assert not page.evaluate(WRONGLY_COPIED)
