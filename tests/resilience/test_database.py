"""Check that no answer is lost if the SQLite database is locked or missing.

These tests belong to row 25 of the table of faults, which the command
`python3 -m tutorial test -m fault` prints.
"""

import pytest
from playwright.sync_api import expect

from support.app.database import file_of, open_database
from support.app.page import ask, expect_state, open_page
from support.app.person import Person, calls
from tutorial.runtime.waiting import wait_until

WORDS = "The site cannot save your question right now. Try again in a few seconds."


@pytest.mark.fault(25, "the database is locked or gone for a few seconds")
def test_no_answer_is_lost_while_the_database_is_locked(app, person, chromium):
    site, worker = app.site, app.project.running["worker"]
    page = open_page(chromium.new_context(), site)
    questions = ["What is a lock?", "What is a broker?", "What is a group?"]
    with open_database(app) as database:
        searches = {question: person.search(question) for question in questions}
        for question in questions:
            wait_until(
                lambda q=question: calls(site, q), seconds=20, otherwise="no API call"
            )
        before = len(worker.lines)
        database.execute("BEGIN EXCLUSIVE")
        ask(page, "Can this be saved?")
        status, data, headers = person.post("And this?")
        assert (status, data, headers["Retry-After"]) == (503, {"error": WORDS}, "5")
        expect(page.locator("#notices")).to_have_text(WORDS)
        # Reading still works, and the accepted searches are still there.
        assert set(person.snapshot()) == set(searches.values())
        wait_until(
            lambda: "is locked" in str(worker.lines[before:]),
            seconds=20,
            otherwise="the worker does not wait for the database",
        )
        database.execute("ROLLBACK")
    for question, task_id in searches.items():
        assert person.wait_for_end(task_id)["status"] == "done"
        assert calls(site, question) == 1
    assert person.wait_for_end(person.search("And now?"))["status"] == "done"


@pytest.mark.fault(25, "the database is locked or gone for a few seconds")
def test_a_search_finishes_after_a_missing_database_is_back(
    run_app, chromium, tmp_path
):
    folder, away = tmp_path / "data", tmp_path / "away"
    folder.mkdir()
    running = run_app(DATABASE_URL=f"sqlite:///{folder / 'db.sqlite3'}")
    assert file_of(running).exists()
    site, person = running.site, Person(running.site)
    page = open_page(chromium.new_context(), site)
    page.get_by_label("Your question").fill("Is this saved?")
    task_id = person.search("simulate: hiccup")
    wait_until(
        lambda: calls(site, "simulate: hiccup"), seconds=20, otherwise="no API call"
    )
    folder.rename(away)
    # An open connection still uses the file, but a new process does not find the file.
    running.processes.stop([running.project.running["web"]])
    running.project.restart(running.processes, "web")
    wait_until(
        running.project.listens, seconds=30, otherwise="the web process does not listen"
    )
    status, data, headers = person.post("Is anything saved?")
    assert (status, data, headers["Retry-After"]) == (503, {"error": WORDS}, "5")
    answer = person.get()
    assert (answer.status, answer.html) == (503, WORDS)
    ask(page, "Is this saved?")
    expect(page.locator("#notices")).to_have_text(WORDS)
    away.rename(folder)
    assert person.wait_for_end(task_id)["status"] == "done"
    assert calls(site, "simulate: hiccup") == 2
    expect_state(page, "Live")
    ask(page, "Is this saved?")
    expect(page.locator("#notices")).to_have_text("Search has started!")
