"""Check expectations of visitors and operators that are not part of the flow."""

import re

import pytest
from playwright.sync_api import expect

from tutorial.runtime.waiting import wait_until
from tutorial.visitor.visitor import Visitor


@pytest.mark.xdist_group("step 2")
def test_a_question_with_a_tab_is_accepted_in_step_2(run_step):
    running = run_step("2")
    answer = Visitor(running.site).ask("What is\ta broker?")
    assert answer.status in (302, 303)
    assert any("asks: What is\ta broker?" in line for _, line in running.log)


@pytest.mark.xdist_group("step final")
@pytest.mark.parametrize(
    ("question", "saved"),
    [("What is\ta broker?", "What is a broker?"), ("What\r\nis it?", "What is it?")],
    ids=["tab", "line break"],
)
def test_the_finished_app_saves_tabs_and_line_breaks_as_spaces(
    run_step, question, saved
):
    running = run_step("final")
    visitor = Visitor(running.site)
    assert visitor.ask(question).status in (302, 303)
    assert saved in visitor.get().page.text


@pytest.mark.xdist_group("step 3")
def test_show_queue_prints_the_oldest_message_first(run_step):
    running = run_step("3")
    visitor = Visitor(running.site)
    visitor.ask("Who was first?")
    visitor.ask("Who was second?")
    shown = running.project.manage("show_queue").stdout
    assert shown.index("Who was first?") < shown.index("Who was second?")


@pytest.mark.xdist_group("step 6")
def test_show_groups_prints_only_groups(run_step, chromium):
    running = run_step("6")
    page = chromium.new_page()
    page.goto(running.site.url)
    page.get_by_text("Live").wait_for()

    def shown() -> list[str]:
        return running.project.manage("show_groups").stdout.split("\n")

    wait_until(lambda: len(shown()) > 2, seconds=5, otherwise=lambda: str(shown()))
    first, *groups = filter(None, shown())
    assert first == f"groups with subscribers: {len(groups)}"
    assert all(re.fullmatch(r"user_\d+ +\d+", group.strip()) for group in groups)


@pytest.mark.xdist_group("step 7")
@pytest.mark.parametrize(
    ("name", "error"),
    [("server error", "InternalServerError"), ("bad key", "AuthenticationError")],
)
def test_a_failed_api_call_is_not_retried_and_the_page_names_the_error(
    run_step, name, error
):
    """If the client retried a call twice, a visitor could wait three times as long."""
    site = run_step("7").site
    question = f"simulate: {name}"
    visitor = Visitor(site)

    def calls() -> int:
        return sum(question in str(one["input"]) for one in site.requests_to_openai())

    before = calls()
    visitor.ask(question)
    wait_until(
        lambda: "The API gave no answer" in visitor.get().page.text,
        seconds=20,
        otherwise="the page does not show the error",
    )
    said = [piece for piece in visitor.get().page.pieces if "gave no answer" in piece]
    assert said == [f"The API gave no answer ({error})."]
    assert calls() - before == 1


@pytest.fixture
def page(run_step, chromium):
    """The page of step 7 in a browser, with its socket open."""
    page = chromium.new_page()
    page.goto(run_step("7").site.url)
    page.get_by_text("Live").wait_for()
    return page


def ask(page, question: str) -> None:
    """Type the question, and press the button."""
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Search").click()


@pytest.mark.xdist_group("step 7")
def test_the_newest_answer_is_at_the_top_before_and_after_a_reload(page):
    questions = ["What is a broker?", "What is a group?"]
    headings = page.locator("#results li h3")
    for number, question in enumerate(questions, start=1):
        ask(page, question)
        expect(headings).to_have_count(number)
    expect(headings).to_have_text(questions[::-1])
    page.reload()
    expect(headings).to_have_text(questions[::-1])


@pytest.mark.xdist_group("step 7")
def test_a_rejected_question_stays_in_the_form(page):
    ask(page, "   ")
    expect(page.locator("#notices")).to_have_text("Type a question first.")
    expect(page.get_by_label("Your question")).to_have_value("   ")
