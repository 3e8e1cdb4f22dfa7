"""The whole flow in a real browser: from the form to the DOM, through the socket."""

import json
import uuid

from playwright.sync_api import expect


def open_page(context, frames=None):
    """A page of the app whose socket is up; the frames it receives go to `frames`."""
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
    expect(result).to_have_count(1, timeout=15_000)
    expect(result.locator(".answer")).not_to_be_empty()

    # The frame brought it, and the page was neither left nor loaded again.
    [frame] = [json.loads(frame) for frame in frames]
    assert frame["query"] == question
    assert result.locator(".answer").text_content() == frame["answer"]
    assert navigations == []
    assert page.evaluate("window.isStillTheSamePage")

    # Another visitor's first frame is the answer to their own first question.
    other.get_by_label("Your question").fill("What is a group?")
    other.get_by_role("button", name="Search").click()
    expect(other.locator("#results li")).to_have_count(1, timeout=15_000)
    expect(other.locator("#results li")).to_contain_text("What is a group?")
    assert [json.loads(frame)["query"] for frame in others_frames] == [
        "What is a group?"
    ]
    assert question not in other.content()


def test_the_answer_is_still_there_after_a_reload(new_context):
    page = open_page(new_context())
    page.get_by_label("Your question").fill("What is a worker?")
    page.keyboard.press("Enter")
    result = page.locator("#results li")
    expect(result).to_contain_text("What is a worker?", timeout=15_000)
    before = result.text_content().split()
    page.reload()
    assert page.locator("#results li").text_content().split() == before


def test_html_in_question_and_answer_stays_text(new_context):
    page = open_page(new_context())
    for question in (
        "simulate: script",
        "<img src=x onerror=\"document.title='hacked'\">",
    ):
        page.get_by_label("Your question").fill(question)
        page.get_by_role("button", name="Search").click()
        expect(page.locator("#results h3").first).to_have_text(question, timeout=15_000)
    for _ in range(2):
        expect(page.locator("#results li")).to_have_count(2)
        assert page.locator("#results script, #results img, #results b").count() == 0
        expect(page).to_have_title("Real-time search")
        page.reload()


def test_a_bad_question_is_told_at_the_form(new_context):
    page = open_page(new_context())
    page.get_by_label("Your question").fill("   ")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#notices")).to_have_text("Type a question first.")


def test_a_server_that_is_gone_is_told_at_the_form(new_context):
    context = new_context()
    page = open_page(context)
    page.get_by_label("Your question").fill("Is anybody there?")
    context.set_offline(True)
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#notices")).to_contain_text("Your question was not sent")
    expect(page.get_by_label("Your question")).to_have_value("Is anybody there?")
