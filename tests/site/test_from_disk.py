"""Check the built pages when a browser opens them from disk, without a server."""

from playwright.sync_api import expect


def test_pages_opened_from_disk_have_working_links_and_show_a_notice(built, chromium):
    page = chromium.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((built.folder / "index.html").as_uri())
    notice = page.get_by_role("note").filter(has_text="Opened from disk")
    expect(notice).to_contain_text("python3 -m tutorial docs")
    expect(page.locator(".md-search")).to_have_count(0)
    page.locator(".md-nav--primary").get_by_role("link", name="Setup").click()
    expect(page.get_by_role("heading", name="Setup", level=1)).to_be_visible()
    expect(notice).to_be_visible()
    page.goto((built.folder / "steps" / "4-worker" / "index.html").as_uri())
    page.locator(".md-annotation").first.wait_for()  # the notes of listings work
    page.locator("article").get_by_role("link", name="step 5").click()
    expect(page.locator("h1")).to_contain_text("Step 5: the signal")
    # There is only one error: the theme's search cannot load its index from disk.
    assert [error for error in errors if "search_index" not in error] == []


def test_served_pages_have_the_search_and_show_no_notice(address, chromium):
    page = chromium.new_page()
    page.goto(address)
    expect(page.locator(".md-search")).to_have_count(1)
    expect(page.get_by_text("Opened from disk")).to_have_count(0)
