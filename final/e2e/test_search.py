"""The whole flow in a real browser: from the form to the DOM, through the socket."""

import json
import uuid

from playwright.sync_api import expect


def open_page(context, frames=None):
    """Open a page, wait for its socket, and append its received frames to `frames`."""
    page = context.new_page()
    if frames is not None:
        page.on(
            "websocket", lambda s: s.on("framereceived", lambda f: frames.append(f))
        )
    page.goto("/")
    expect(page.locator("#socket-state")).to_have_text("Live")
    return page


def test_submitting_the_form_updates_the_page_through_the_socket(new_context):
    frames, others_frames = [], []
    page = open_page(new_context(), frames)
    other = open_page(new_context(), others_frames)
    navigations = []
    page.on("framenavigated", lambda frame: navigations.append(frame.url))
    page.evaluate("window.isStillTheSamePage = true")
    question = f"What does a consumer do? {uuid.uuid4()}"

    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Search").click()

    expect(page.locator("#notices")).to_have_text("Search has started!")
    result = page.locator("#results li").filter(has_text=question)
    expect(result).to_have_attribute("data-status", "done", timeout=15_000)

    # The answer arrived in frames, and the page was neither left nor reloaded.
    news = [json.loads(frame) for frame in frames]
    whole = [data for data in news if data.get("status") == "done"]
    assert len(whole) == 1, "not exactly one frame contained the answer"
    assert whole[0]["query"] == question
    assert result.locator(".answer").text_content() == whole[0]["answer"]
    [begun] = [data["answer"] for data in news if data.get("status") == "running"]
    chunks = [data["chunk"] for data in news if "chunk" in data]
    assert chunks, "the answer did not grow while the API wrote it"
    assert whole[0]["answer"].startswith(begun + "".join(chunks))
    assert navigations == []
    assert page.evaluate("window.isStillTheSamePage")

    # Another visitor gets only the answer to their own question.
    other.get_by_label("Your question").fill("What is a group?")
    other.get_by_role("button", name="Search").click()
    expect(other.locator("#results [data-status=done]")).to_have_count(
        1, timeout=15_000
    )
    assert "What is a group?" in "".join(others_frames)
    assert question not in "".join(others_frames)
    assert question not in other.content()


def test_the_answer_is_still_there_after_a_reload(new_context):
    page = open_page(new_context())
    page.get_by_label("Your question").fill("What is a worker?")
    page.keyboard.press("Enter")
    result = page.locator("#results li")
    expect(result).to_have_attribute("data-status", "done", timeout=15_000)
    expect(result).to_contain_text("What is a worker?")
    before = result.inner_text()
    page.reload()
    assert page.locator("#results li").inner_text() == before


def test_html_in_a_question_or_an_answer_is_shown_as_text(new_context):
    page = open_page(new_context())
    for question in (
        "simulate: script",
        "<img src=x onerror=\"document.title='hacked'\">",
    ):
        page.get_by_label("Your question").fill(question)
        page.get_by_role("button", name="Search").click()
        result = page.locator("#results li").first
        expect(result).to_have_attribute("data-status", "done", timeout=15_000)
        expect(result.locator("h3")).to_have_text(question)
    for _ in range(2):
        expect(page.locator("#results li")).to_have_count(2)
        assert page.locator("#results script, #results img, #results b").count() == 0
        expect(page).to_have_title("Real-time search")
        page.reload()


def test_an_empty_question_is_reported_at_the_form(new_context):
    page = open_page(new_context())
    page.get_by_label("Your question").fill("   ")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#notices")).to_have_text("Type a question first.")


def test_an_unreachable_server_is_reported_at_the_form(new_context):
    context = new_context()
    page = open_page(context)
    page.get_by_label("Your question").fill("Is anybody there?")
    context.set_offline(True)
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#notices")).to_contain_text("The server did not confirm that")
    expect(page.get_by_label("Your question")).to_have_value("Is anybody there?")


def test_a_failed_search_shows_the_reason_and_can_be_retried(new_context):
    page = open_page(new_context())
    page.get_by_label("Your question").fill("simulate: bad key")
    page.get_by_role("button", name="Search").click()
    failed = page.locator("#results [data-status=failed]")
    expect(failed.locator(".error")).to_contain_text("AuthenticationError")
    failed.get_by_role("button", name="Try again").click()
    expect(failed).to_have_count(2)


def test_a_running_search_can_be_cancelled(new_context):
    page = open_page(new_context())
    page.get_by_label("Your question").fill("simulate: silence")
    page.get_by_role("button", name="Search").click()
    result = page.locator("#results li")
    expect(result.locator(".status")).to_have_text("Waiting for an answer")
    result.get_by_role("button", name="Cancel").click()
    expect(result.locator(".status")).to_have_text("Cancelled")


def test_a_guest_who_signs_up_keeps_their_searches(new_context):
    page = open_page(new_context())
    page.get_by_label("Your question").fill("What is a signal?")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#results [data-status=done]")).to_have_count(1)
    page.get_by_role("link", name="Sign up").click()
    name = f"ada-{uuid.uuid4().hex[:8]}"
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password:", exact=True).fill("Lovelace-1815")
    page.get_by_label("Password confirmation").fill("Lovelace-1815")
    page.get_by_role("button", name="Sign up").click()
    expect(page.locator("nav .user")).to_have_text(name)
    expect(page.locator("#results")).to_contain_text("What is a signal?")
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#socket-state")).to_have_text("Live")
    expect(page.locator("#results li")).to_have_count(0)
