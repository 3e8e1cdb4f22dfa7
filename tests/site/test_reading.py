"""Check that the site works with a keyboard and with automatic translation."""

import re

import pytest
from playwright.sync_api import expect

IS_OUT_OF_SIGHT = """() => {
  const now = document.activeElement;
  if (now === document.body) return null;
  const menu = now.closest(".md-sidebar");
  const { left, right } = now.getBoundingClientRect();
  const how = { opacityProperty: true, visibilityProperty: true };
  const isSeen = now.checkVisibility(how);
  const isHere = right > 0 && left < innerWidth;
  return menu && !(isSeen && isHere) ? now.outerHTML.slice(0, 160) : "";
}"""
PHONE = {"width": 390, "height": 800}


def press_tab_through(page, most: int) -> list[str]:
    """Press Tab at most `most` times. Return the hidden menu items that get focus."""
    hidden = []
    for _ in range(most):
        page.keyboard.press("Tab")
        found = page.evaluate(IS_OUT_OF_SIGHT)
        if found is None:
            break
        hidden += [found] if found else []
    return hidden


@pytest.fixture
def phone(address, chromium):
    """Open a page on a phone, and wait until its scripts have run."""
    page = chromium.new_page(viewport=PHONE, reduced_motion="reduce")
    page.goto(address + "steps/3-queue/")
    page.locator("[aria-label=Menu]").wait_for()
    page.locator(".md-search[aria-label]").wait_for(state="attached")
    return page


def test_tab_does_not_reach_the_closed_menu_of_a_phone(phone):
    assert not press_tab_through(phone, 45)


def test_a_key_opens_the_menu_and_tab_reaches_only_its_visible_items(phone):
    menu = phone.get_by_role("button", name="Menu")
    sidebar = phone.locator(".md-sidebar--primary")
    for key in ("Enter", "Space"):
        menu.focus()
        phone.keyboard.press(key)
        expect(sidebar.locator("label:focus")).to_be_visible()
        expect(menu).to_have_attribute("aria-expanded", "true")
        phone.wait_for_function(
            "document.querySelector('.md-sidebar').getBoundingClientRect().x == 0"
        )
        assert not press_tab_through(phone, 8)
        expect(sidebar.locator(":focus")).to_be_visible()
        phone.keyboard.press("Escape")
        expect(menu).to_be_focused()
        expect(menu).to_have_attribute("aria-expanded", "false")
        expect(sidebar).not_to_be_visible()


def test_the_sections_of_the_menu_can_be_opened_by_keyboard(phone):
    sidebar = phone.locator(".md-sidebar--primary")
    phone.get_by_role("button", name="Menu").press("Enter")
    sidebar.locator("label.md-nav__title[for=__nav_2]").press("Enter")
    look_up = sidebar.locator("label.md-nav__link[for=__nav_3]")
    expect(look_up).to_be_visible()
    look_up.press("Space")
    expect(sidebar.get_by_role("link", name="Glossary")).to_be_visible()
    expect(sidebar.get_by_role("link", name="Deploy it")).not_to_be_visible()


def test_a_wide_window_shows_the_menu_without_buttons_to_open_it(address, chromium):
    page = chromium.new_page(viewport={"width": 1300, "height": 800})
    page.goto(address + "steps/3-queue/")
    page.locator(".md-search[aria-label]").wait_for(state="attached")
    assert not page.locator(".md-sidebar [role=button]").count()
    expect(
        page.locator(".md-sidebar").get_by_role("link", name="Glossary")
    ).to_be_visible()
    page.set_viewport_size(PHONE)
    expect(page.get_by_role("button", name="Menu")).to_be_visible()


def test_code_and_the_picture_of_the_flow_are_excluded_from_translation(built):
    """If a translator puts HTML into the texts of a picture, the texts disappear."""
    for page in built.pages():
        html = page.read_text()
        assert not re.findall(r'<code(?! translate="no")[^>]*>', html), page
        for pre in re.findall(r"<pre\b.*?</pre>", html, re.S):
            assert '<code translate="no"' in pre, page
        for picture in re.findall(r'<svg class="flow-[^>]*>', html):
            assert ' translate="no"' in picture, page
