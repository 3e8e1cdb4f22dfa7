"""Rows 17, 18 and 26: several people, several tabs, and many questions at once."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect

from support.app.database import open_database
from support.app.page import ask, expect_status, frames, open_page, result
from support.app.person import Person, at_the_same_time, calls
from support.app.postgres import on_both_databases


@pytest.mark.fault(17, "a double click, and the same form again")
def test_a_double_click_is_one_search(shared_app, chromium):
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
def test_without_a_script_a_reload_sends_nothing_again(shared_app, chromium):
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
def test_the_same_form_many_times_at_once_is_one_search(shared_app):
    site, question = shared_app.site, "Eight times the same?"
    person, task_id = Person(site), str(uuid.uuid4())
    answers = at_the_same_time(lambda: person.post(question, task_id), 8)
    found = [(status, data["search"]["task_id"]) for status, data, _ in answers]
    assert found == [(202, task_id)] * 8
    assert person.wait_for_end(task_id)["status"] == "done"
    assert list(person.snapshot()) == [task_id]
    assert calls(site, question) == 1


@pytest.mark.fault(18, "two people at once, and one in two tabs")
def test_people_see_their_own_searches_in_each_of_their_tabs(shared_app, chromium):
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


@pytest.mark.fault(18, "two people at once, and one in two tabs")
def test_the_search_of_another_person_is_out_of_reach(shared_app):
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


@pytest.mark.fault(26, "a flood of questions from one person")
def test_a_flood_of_questions_is_limited(run_app):
    running = run_app(SEARCHES_PER_MINUTE="5")
    flood, other = Person(running.site), Person(running.site)
    send = lambda: at_the_same_time(lambda: flood.post("Flood?"), 30)  # noqa: E731
    with ThreadPoolExecutor(1) as thread:
        with open_database(running) as database:
            # All requests wait here, before the first one is counted.
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
            words = f"That was a lot at once. Ask again in {wait} seconds."
            assert data == {"error": words}
    ends = [flood.wait_for_end(task_id)["status"] for task_id in accepted]
    assert ends == ["done"] * 5
    assert calls(running.site, "Flood?") == 5
