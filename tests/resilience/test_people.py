"""Check the app with several people, many tabs, many questions, and the keyboard."""

import urllib.parse
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Route, expect

from support.app.database import change, insert_search, open_database
from support.app.page import ask, expect_status, frames, open_page, result
from support.app.person import Person, at_the_same_time, calls
from support.app.postgres import on_both_databases
from support.running import Running


@pytest.mark.fault(17, "a double click, and the same form again")
def test_a_double_click_starts_only_one_search(shared_app, chromium):
    site, question = shared_app.site, "Is one click enough?"
    page = open_page(chromium.new_context(), site)
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Search").dblclick()
    expect_status(page, question, "done")
    page.reload()
    expect(result(page, question)).to_have_count(1)
    page.goto(f"{site.url}/accounts/login/")
    page.go_back()
    expect(result(page, question)).to_have_count(1)
    assert calls(site, question) == 1


@pytest.mark.fault(17, "a double click, and the same form again")
def test_without_javascript_a_reload_does_not_send_the_form_again(shared_app, chromium):
    site, question = shared_app.site, "Is a reload another search?"
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(site.url)
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Search").dblclick()
    expect(page.locator("#notices")).to_contain_text("Search has started!")
    for move in (page.reload, page.go_back, page.go_forward, page.reload):
        move()
    expect(result(page, question)).to_have_count(1)
    assert calls(site, question) == 1


@on_both_databases
@pytest.mark.fault(17, "a double click, and the same form again")
def test_sending_the_same_form_many_times_starts_only_one_search(shared_app):
    site, question = shared_app.site, "Eight times the same?"
    person, task_id = Person(site), str(uuid.uuid4())
    answers = at_the_same_time(lambda: person.post(question, task_id), 8)
    found = [(status, data["search"]["task_id"]) for status, data, _ in answers]
    assert found == [(202, task_id)] * 8
    assert person.wait_for_end(task_id)["status"] == "done"
    assert list(person.snapshot()) == [task_id]
    assert calls(site, question) == 1


@pytest.mark.fault(18, "two people at the same time, and one person in two tabs")
def test_each_tab_shows_only_the_searches_of_its_own_user(shared_app, chromium):
    site = shared_app.site
    ada, bob = chromium.new_context(), chromium.new_context()
    tabs = {
        "Ada's question?": [open_page(ada, site), open_page(ada, site)],
        "Bob's question?": [open_page(bob, site)],
    }
    for question, [first, *_] in tabs.items():
        ask(first, question)
    for question, pages in tabs.items():
        for page in pages:
            expect_status(page, question, "done")
            expect(page.locator("#results li")).to_have_count(1)
            task_id = result(page, question).get_attribute("data-task-id")
            brought = [frame for frame in frames(page) if "searches" not in frame]
            assert {frame["task_id"] for frame in brought} == {task_id}
            assert brought[-1]["status"] == "done"
        [stranger] = tabs.keys() - {question}
        assert stranger not in str(frames(pages[0])) + pages[0].content()
        assert calls(site, question) == 1


@pytest.mark.fault(18, "two people at the same time, and one person in two tabs")
def test_the_search_of_another_person_is_inaccessible(shared_app):
    site, question = shared_app.site, "simulate:  slow"
    ada, bob = Person(site), Person(site)
    task_id = ada.search(question)
    assert bob.post(question, task_id)[0] == 409
    assert bob.get(f"/searches/{task_id}/cancel/").status == 405
    url = f"{site.url}/searches/{task_id}/cancel/"
    data = f"csrfmiddlewaretoken={bob.fields['csrfmiddlewaretoken']}".encode()
    assert bob.open(url, data).status == 404
    assert bob.snapshot() == {}
    assert ada.snapshot()[task_id]["status"] in ("pending", "running")
    data = f"csrfmiddlewaretoken={ada.fields['csrfmiddlewaretoken']}".encode()
    assert ada.open(url, data).status == 302
    assert ada.wait_for_end(task_id)["status"] == "cancelled"


@pytest.mark.fault(26, "one person sends a flood of questions")
def test_a_flood_of_questions_is_limited(run_app):
    # The app has 40 threads. While 30 requests wait for the database, the app can still
    # respond to `other`.
    running = run_app(SEARCHES_PER_MINUTE="5", DATABASE_CONNECTIONS="40")
    flood, other = Person(running.site), Person(running.site)
    send = lambda: at_the_same_time(lambda: flood.post("Flood?"), 30)  # noqa: E731
    with ThreadPoolExecutor(1) as thread:
        with open_database(running) as database:
            # With this lock, all requests wait before the app counts the first one.
            database.execute("BEGIN IMMEDIATE")
            first = thread.submit(send)
            for _ in range(10):
                other.snapshot()
            database.execute("ROLLBACK")
        answers = first.result()
        second = thread.submit(send)
        task_id = other.search("Am I served?")
        assert other.wait_for_end(task_id, 5)["status"] == "done"
        answers += second.result()
    accepted = [data["search"]["task_id"] for s, data, _ in answers if s == 202]
    assert len(accepted) == 5
    for status, data, headers in answers:
        if status != 202:
            wait = int(headers["Retry-After"])
            assert (status, 0 < wait <= 60) == (429, True)
            words = f"You have reached the limit. Try again in {wait} seconds."
            assert data == {"error": words}
    ends = [flood.wait_for_end(task_id)["status"] for task_id in accepted]
    assert ends == ["done"] * 5
    assert calls(running.site, "Flood?") == 5


@pytest.mark.fault(36, "a new visitor asks in two tabs at once, and a crawler visits")
def test_the_first_questions_of_a_browser_belong_to_one_guest(shared_app):
    site = shared_app.site
    before = count_users(shared_app)
    person = Person(site)  # loads the page
    person.get("/?page=2")
    person.snapshot()
    assert count_users(shared_app) == before
    questions = [f"The first of all, {number}?" for number in range(8)]
    turns = iter(questions)
    answers = at_the_same_time(lambda: person.post(next(turns)), len(questions))
    assert {status for status, *_ in answers} == {202}
    assert count_users(shared_app) == before + 1
    with person.open_socket():
        asked = {search["query"] for search in person.snapshot().values()}
    assert asked == set(questions)
    assert count_users(shared_app) == before + 1


@pytest.mark.fault(37, "a form that was sent before is sent with another question")
def test_without_javascript_a_used_form_is_rejected_and_can_be_sent_again(
    shared_app, chromium
):
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(shared_app.site.url)
    used = page.locator("#search-form [name=task_id]").get_attribute("value")
    ask(page, "Asked with this form?")
    page.goto(shared_app.site.url)
    page.route("**/", lambda route: send_with(route, used), times=1)
    question = "Asked with the same form?"
    ask(page, question)
    expect(page.locator("#notices")).to_contain_text("This form has already been used")
    expect(page.get_by_label("Your question")).to_have_value(question)
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("#notices")).to_contain_text("Search has started!")
    expect(result(page, question)).to_have_count(1)


def send_with(route: Route, task_id: str) -> None:
    """Send the form with an earlier id, as a page from the browser's history may do."""
    data = urllib.parse.parse_qs(route.request.post_data) | {"task_id": task_id}
    route.continue_(post_data=urllib.parse.urlencode(data, doseq=True))


@pytest.mark.fault(38, "two tabs receive messages in a different order")
def test_each_tab_lists_the_searches_in_the_same_order(shared_app, chromium):
    context = chromium.new_context()
    first, second = (open_page(context, shared_app.site) for _ in range(2))
    user = first.locator("body").get_attribute("data-user")
    wake_up = 'document.dispatchEvent(new Event("visibilitychange"))'
    # The first tab learns about the older search last.
    for number in (2, 1):
        time = f"2999-01-01 00:00:0{number}"
        insert_search(shared_app, user, query=f"Question {number}", created_at=time)
        first.evaluate(wake_up)
        expect(result(first, f"Question {number}")).to_have_count(1)
    second.evaluate(wake_up)
    for tab in (first, second):
        expect(tab.locator("#results h3")).to_have_text(["Question 2", "Question 1"])


@pytest.mark.fault(39, "a user has no mouse, or uses a screen reader")
def test_the_focus_stays_and_each_button_has_a_unique_name(shared_app, chromium):
    page = open_page(chromium.new_context(), shared_app.site)
    for question in ("simulate: silence", "simulate:  silence"):
        ask(page, question)
        expect(page.locator("#notices")).to_have_text("Search has started!")
        expect(page.get_by_role("button", name="Search", exact=True)).to_be_focused()
    expect(page.locator("#results li")).to_have_count(2)
    cancel = page.locator("#results li").first.get_by_role("button")
    expect(cancel).to_have_accessible_name("Cancel: simulate: silence")
    cancel.focus()
    page.keyboard.press("Enter")
    again = page.locator("#results [data-status=cancelled]").get_by_role("button")
    expect(again).to_be_focused()
    expect(again).to_have_accessible_name("Try again: simulate: silence")
    page.keyboard.press("Enter")
    expect(page.locator("#results li")).to_have_count(3)
    expect(again).to_be_focused()


def test_a_deleted_search_disappears_from_the_page(shared_app, chromium):
    page = open_page(chromium.new_context(), shared_app.site)
    question = "simulate: silence"
    ask(page, question)
    expect_status(page, question, "running")
    user = page.locator("body").get_attribute("data-user")
    change(shared_app, "DELETE FROM search_searchresult WHERE user_id = ?", user)
    # The page requests a snapshot every five seconds.
    expect(result(page, question)).to_have_count(0, timeout=20_000)


def count_users(running: Running) -> int:
    """Return how many users the app has."""
    with open_database(running) as database:
        return database.execute("SELECT count(*) FROM auth_user").fetchone()[0]


@pytest.mark.fault(33, "a page wakes up, or comes back from the browser's history")
@pytest.mark.parametrize(
    "event",
    ['new PageTransitionEvent("pageshow", {persisted: true})', '"visibilitychange"'],
)
def test_a_page_that_wakes_up_shows_new_searches(shared_app, chromium, event):
    page = open_page(chromium.new_context(), shared_app.site)
    user = page.locator("body").get_attribute("data-user")
    # The page is not waiting for any search, and gets no message about this one.
    insert_search(shared_app, user, query="Asked elsewhere", status="done", answer="A")
    if event.startswith("new"):
        page.evaluate(f"dispatchEvent({event})")
    else:
        page.evaluate(f"document.dispatchEvent(new Event({event}))")
    expect_status(page, "Asked elsewhere", "done")
