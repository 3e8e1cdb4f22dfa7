"""Tests of details that our steps guarantee, such as messages, statuses and names.

`check` also accepts other words and names in a learner's project.
"""

import json

import pytest

from tutorial.check.stages.stage_4_worker import REFUSED
from tutorial.check.traffic import Broadcast, messages, read_broadcast
from tutorial.project import steps
from tutorial.runtime.monitor import monitor
from tutorial.runtime.waiting import pause_in, wait_for
from tutorial.visitor.site import Site
from tutorial.visitor.sockets import NoSocket, open_socket
from tutorial.visitor.visitor import Visitor

STARTED = "Search has started!"

BAD_QUESTIONS = {
    "an empty one": "",
    "blanks": "   ",
    "201 characters": "x" * 201,
    "a NUL": "a\x00b",
}


def from_step(number: int) -> pytest.MarkDecorator:
    """Parametrize a test by the names of the steps from `number` on, and `final`."""
    return pytest.mark.parametrize(
        "name",
        [
            pytest.param(step.name, marks=pytest.mark.xdist_group(f"step {step.name}"))
            for step in steps.every()
            if step.number >= number
        ],
    )


@pytest.fixture
def site(name, run_step) -> Site:
    """Run the step with this name, and return its addresses."""
    return run_step(name).site


@pytest.fixture
def visitor(site) -> Visitor:
    """Return a visitor who has loaded the page."""
    visitor = Visitor(site)
    visitor.get()
    return visitor


@from_step(1)
def test_the_form_has_a_csrf_token(visitor):
    assert "csrfmiddlewaretoken" in visitor.form().fields


@from_step(2)
def test_the_view_redirects_to_a_page_with_our_message(visitor):
    answer = visitor.ask("What is a view?")
    assert answer.status in (302, 303)
    assert STARTED in visitor.get(answer.location).page.text


@from_step(2)
def test_two_visitors_can_ask_and_have_different_cookies(site, visitor):
    other = Visitor(site)
    for one in (other, visitor):
        assert one.get().status == 200
        assert one.ask("Who am I?").status in (302, 303)
    assert other.cookie_header != visitor.cookie_header


@from_step(2)
def test_an_invalid_question_gets_an_error_page_and_queues_no_task(site, visitor):
    before = visitor.get().page.text
    with monitor(site.redis_url) as redis:
        for what, question in BAD_QUESTIONS.items():
            answer = visitor.ask(question)
            assert answer.status in (400, 422), what
            assert answer.page.text != before, what
        redis.sync()
        # In step 2, no task reaches Redis, so only the assertions above test that step.
        assert not messages(redis.since(0, "LPUSH"))


@from_step(2)
def test_a_form_with_a_wrong_csrf_token_is_forbidden(visitor):
    assert visitor.ask("Is this forged?", token="").status == 403


@from_step(3)
def test_the_message_holds_the_question_and_the_users_id(site, visitor):
    with monitor(site.redis_url) as redis:
        visitor.ask("What is a queue?")
        redis.sync()
        found = messages(redis.since(0, "LPUSH"))
    [message] = [one for one in found if "What is a queue?" in one.arguments]
    assert message.task == "search.tasks.fetch_openai_results_task"
    assert any(isinstance(value, int) for value in message.arguments)


@from_step(5)
def test_the_saved_answer_is_broadcast_to_the_users_group(site, visitor):
    with monitor(site.redis_url) as redis:
        visitor.ask("What is a signal?")

        def sent(command) -> Broadcast | None:
            found = read_broadcast(command)
            return found if found and found.holds("What is a signal?") else None

        found = redis.wait(sent, 10)
        # When an answer is announced, it must already be in the database.
        assert "What is a signal?" in visitor.get().page.text
    assert found.group.removeprefix("user_").isdecimal()
    assert found.event["type"] == "send_search_result"


@from_step(6)
def test_the_socket_refuses_other_sites_and_unknown_visitors(name, site, visitor):
    with pytest.raises(NoSocket, match="refused with status 403"):
        open_socket(visitor, "http://evil.example")
    if name == "final":  # it accepts unknown visitors, and creates a guest for each
        users = set()
        for _ in range(2):
            with open_socket(Visitor(site)) as socket:
                users.add(json.loads(socket.recv(timeout=10))["user"])
        assert len(users) == 2
        return
    with pytest.raises(NoSocket, match="refused with status 403"):
        open_socket(Visitor(site))


@from_step(6)
def test_every_frame_is_json(visitor):
    with open_socket(visitor) as socket:
        visitor.ask("What is a frame?")
        frame = {}
        while "offline stand-in" not in str(frame):
            frame = json.loads(socket.recv(timeout=10))


@from_step(7)
@pytest.mark.parametrize(
    ("question", "outcome"),
    [("What is the DOM?", "offline stand-in"), (REFUSED, "AuthenticationError")],
    ids=["an answer", "a failure"],
)
def test_the_page_shows_all_texts_of_a_frame(site, chromium, question, outcome):
    page = chromium.new_page()
    frames: list[str] = []
    page.on("websocket", lambda s: s.on("framereceived", lambda f: frames.append(f)))
    page.goto(site.url)
    page.get_by_text("Live").wait_for()
    page.get_by_role("textbox").fill(question)
    page.get_by_role("button").first.click()
    page.get_by_text(STARTED).wait_for()

    def last() -> dict | None:
        found = (json.loads(frame) for frame in frames if outcome in str(frame))
        return next((data for data in found if question in str(data)), None)

    data = wait_for(last, 10, pause_in(page))
    assert data, frames
    # Only texts for visitors contain a space. Ids and the status contain none.
    for text in (question, *(str(text) for text in data.values() if " " in str(text))):
        words = " ".join(text.split())
        shown = wait_for(
            lambda w=words: w in " ".join(page.inner_text("body").split()),
            5,
            pause_in(page),
        )
        assert shown, words


@from_step(7)
def test_a_question_that_cannot_be_sent_stays_in_the_form(site, chromium):
    page = chromium.new_page()
    page.goto(site.url)
    page.get_by_text("Live").wait_for()
    before = set(page.inner_text("body").splitlines())
    page.context.set_offline(True)
    field = page.get_by_role("textbox")
    field.fill("Is anybody there?")
    field.press("Enter")
    said = wait_for(
        lambda: set(page.inner_text("body").splitlines()) - before,
        10,
        pause_in(page),
    )
    assert said
    assert field.input_value() == "Is anybody there?"
