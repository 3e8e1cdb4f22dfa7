"""Tests of the map's page: accessibility, sizes, replay and recordings."""

import pytest
from playwright.sync_api import expect

from support.mapped import Mapped
from support.website import violations

QUESTION = "What is a broker?"


@pytest.fixture
def arrived(run_mapped, visit) -> Mapped:
    """Run step 7, and wait until a search has arrived."""
    running = run_mapped("7")
    visit(running, QUESTION)
    running.wait_for("arrived")
    return running


@pytest.mark.slow(12)
def test_the_map_is_accessible(arrived, open_map):
    """The map passes axe-core, and works by keyboard, on a phone and without motion."""
    page = open_map(arrived, color_scheme="light")
    expect(page.locator("#list button")).to_have_count(1)
    assert not violations(page)
    page.emulate_media(color_scheme="dark")
    assert not violations(page, runOnly=["color-contrast"])
    page.emulate_media(reduced_motion="reduce")
    token = page.locator(".flow-wide .token")
    assert token.evaluate("one => getComputedStyle(one).transitionDuration") == "0s"
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"at {width} px the page is {wide} px wide"
    size = "getComputedStyle(document.querySelector('#verdict, #list')).fontSize"
    before = page.evaluate(size)
    page.get_by_role("button", name="Large type").click()
    assert float(page.evaluate(size)[:-2]) >= 1.5 * float(before[:-2])
    page.reload()
    large = page.get_by_role("button", name="Large type")
    expect(large).to_have_attribute("aria-pressed", "true")
    page.get_by_text("What the signs mean").click()
    expect(page.locator("#legend li")).to_have_count(9)
    assert not violations(page)
    # The keyboard alone reaches stations, searches and the replay.
    page.locator(".flow-wide a.station").nth(4).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#station-5")).to_be_focused()
    page.locator("#list button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#list button")).to_have_attribute("aria-pressed", "true")
    page.locator("#hop").focus()
    page.keyboard.press("Home")
    expect(page.locator("#station-2 .hops > li")).to_have_count(0)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#log")).to_have_attribute("aria-live", "polite")


@pytest.mark.lab
@pytest.mark.slow(8)
def test_a_search_is_replayed_hop_by_hop(arrived, open_map):
    page = open_map(arrived)
    last = page.locator("#hop").get_attribute("max")
    for _ in range(int(last)):
        page.get_by_role("button", name="Back", exact=True).click()
    back = page.get_by_role("button", name="Back", exact=True)
    expect(back).to_have_attribute("aria-disabled", "true")
    expect(page.locator("#station-1 .hops > li")).to_have_count(1)
    expect(page.locator("#station-6 .hops > li")).to_have_count(0)
    page.get_by_label("Pace").select_option("fast")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#station-6 .hops > li")).to_have_count(2, timeout=20_000)
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.get_by_role("button", name="Back to now").click()
    expect(page.get_by_role("button", name="Back to now")).to_be_hidden()


@pytest.mark.slow(8)
def test_a_recording_is_one_file_that_opens_offline(
    arrived, open_map, chromium, tmp_path
):
    page = open_map(arrived)
    # The page can save the recording even after the project has stopped.
    page.wait_for_function(
        "performance.getEntriesByName(location + 'recording').length"
    )
    arrived.stack.close()
    arrived.live.__exit__(None, None, None)
    expect(page.locator("#link")).to_contain_text("has stopped")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the session").click()
    file = tmp_path / "recording.html"
    download.value.save_as(file)
    context = chromium.new_context(offline=True)
    recorded = context.new_page()
    problems, asked = [], []
    recorded.on("pageerror", lambda error: problems.append(str(error)))
    recorded.on("console", lambda line: problems.append(line.text))
    recorded.on("request", lambda request: asked.append(request.url))
    recorded.goto(file.as_uri())
    expect(recorded.locator("#link")).to_contain_text("Recorded on")
    expect(recorded.locator("#list button")).to_contain_text(QUESTION)
    recorded.get_by_role("button", name="Back", exact=True).click()
    recorded.get_by_role("button", name="Back", exact=True).click()
    expect(recorded.locator("#station-6")).not_to_contain_text("sent a frame")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert problems == []


@pytest.mark.lab
@pytest.mark.slow(12)
def test_twenty_searches_at_once_have_different_signs(run_mapped, open_map):
    running = run_mapped("7")
    page = open_map(running)
    for number in range(20):
        running.ask(f"What is question {number}?")
    buttons = page.locator("#list button")
    expect(buttons).to_have_count(20)
    signs = buttons.locator(".shape").evaluate_all(
        "shapes => shapes.map(one => one.getAttribute('d') + one.className.baseVal)"
    )
    assert len(set(signs)) == 20
    for number in range(20):
        search = running.wait_for("stuck", number=number + 1, seconds=30)
        assert search["question"] == f"What is question {number}?"
        assert [hop["kind"] for hop in search["hops"]].count("done") == 1
