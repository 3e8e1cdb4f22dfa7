"""Check that pages recover if the web process is stopped or killed, and restarted.

These tests belong to row 2 of the table of faults, which the command
`python3 -m tutorial test -m fault` prints.
"""

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.app.person import Person, calls
from support.app.processes import kill, restart
from support.app.tabs import Tab, living
from tutorial.runtime.waiting import wait_until

PERSONS, TABS = 30, 10  # the number of persons, and of the tabs of each person


@pytest.mark.slow(15)
@pytest.mark.fault(2, "the web process restarts, and 300 sockets reconnect")
def test_all_tabs_get_their_answers_if_the_web_process_restarts(app, chromium):
    page = chromium.new_context().new_page()
    page.goto(app.site.url)
    page.evaluate("window.isTheSamePage = true")
    persons = [Person(app.site) for _ in range(PERSONS)]
    tabs = [Tab(person) for person in persons for _ in range(TABS)]
    asked: dict[Person, set[str]] = {person: set() for person in persons}

    def wait_for(what: str, condition: Callable[[Tab], bool]) -> None:
        wait_until(
            lambda: all(map(condition, tabs)),
            seconds=60,
            otherwise=lambda: f"{sum(map(condition, tabs))} of {len(tabs)} {what}",
        )

    def restart_while_they_search(number: signal.Signals) -> None:
        question = f"Who is back, {number.name}?"
        page.get_by_text("Live", exact=True).wait_for()
        page.get_by_label("Your question").fill(question)
        page.get_by_role("button", name="Search").click()
        searches = pool.map(lambda person: person.search(question), persons)
        for person, task_id in zip(persons, searches, strict=True):
            asked[person].add(task_id)
        before = {tab: tab.snapshots for tab in tabs}

        kill(app.project.running["web"], number)
        page.locator("#socket-state", has_text="Offline").wait_for()
        restart(app, "web")

        wait_for("are connected again", lambda tab: tab.snapshots > before[tab])
        wait_for("have an answer", lambda tab: tab.ended == asked[tab.person])
        page.get_by_text("Live", exact=True).wait_for()
        item = page.locator("#results li", has_text=question)
        item.locator(".answer:not(:empty)").wait_for()
        assert calls(app.site, question) == PERSONS + 1

    with living(tabs), ThreadPoolExecutor(PERSONS) as pool:
        wait_for("are connected", lambda tab: tab.snapshots == 1)
        restart_while_they_search(signal.SIGKILL)
        restart_while_they_search(signal.SIGTERM)
    for tab in tabs:
        assert tab.seen == asked[tab.person]
    for person in persons:
        states = person.snapshot().values()
        assert [state["status"] for state in states] == ["done", "done"]
    assert page.evaluate("window.isTheSamePage")
