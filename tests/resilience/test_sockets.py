"""Check that results arrive if the socket is idle, late or offline.

These tests belong to rows 1, 3 and 4 of the table of faults, which the command
`python3 -m tutorial test -m fault` prints.
"""

import contextlib
import json
import time
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from support.app.page import ask
from support.app.person import Person, calls, wait_for_frame
from support.app.processes import frozen
from support.app.stranger import nobody_else_sees
from support.running import Running
from tutorial.runtime.waiting import wait_until

# For how many seconds no socket gets a frame. This time is longer than redis-py's
# timeout of 5 seconds, after which an unsuitable channel layer closes a socket. It is
# also longer than the 5 seconds between two pings from uvicorn.
IDLE = 8


def refuse_snapshots(page: Page) -> None:
    """Block the page's requests for snapshots, so that only its socket gets results."""
    page.route(
        lambda url: urlsplit(url).path == "/",
        lambda r: r.abort() if r.request.method == "GET" else r.continue_(),
    )


def wait_for_answer(app: Running, page: Page) -> None:
    """Wait until the worker has saved the answer to the page's newest search."""
    task_id = page.locator("#results li").first.get_attribute("data-task-id")
    lines = app.project.running["worker"].lines
    wait_until(
        lambda: any(f"{task_id[:8]} · saved" in line for line in lines),
        seconds=20,
        otherwise="the answer was not saved",
    )


@pytest.mark.slow(15)
@pytest.mark.fault(1, "a socket is idle for minutes")
def test_idle_sockets_stay_open_and_still_work(shared_app):
    app = shared_app
    persons = [Person(app.site) for _ in range(3)]
    with nobody_else_sees(app.site), contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(person.open_socket()) for person in persons]
        for socket in sockets:
            assert '"searches": []' in socket.recv(timeout=5)
        deadline = time.monotonic() + IDLE
        for socket in sockets:
            # Neither a frame nor the end of the connection may arrive in this time.
            with pytest.raises(TimeoutError):
                socket.recv(timeout=max(0.0, deadline - time.monotonic()))
        for person, socket in zip(persons, sockets, strict=True):
            task_id = person.search("Still there?")
            assert wait_for_frame(socket, task_id)["status"] == "done"
    assert calls(app.site, "Still there?") == len(persons)


@pytest.mark.fault(3, "the result is ready before the socket is")
def test_a_socket_gets_a_result_that_was_ready_before_it_opened(shared_app):
    person = Person(shared_app.site)
    with nobody_else_sees(shared_app.site):
        task_id = person.search("Who is too early?")
        state = person.wait_for_end(task_id)
        with person.open_socket() as socket:
            frame = json.loads(socket.recv(timeout=5))
    assert frame["searches"] == [state]
    assert state["status"] == "done"
    assert calls(shared_app.site, "Who is too early?") == 1


@pytest.mark.fault(3, "the result is ready before the socket is")
def test_a_page_shows_a_result_that_was_ready_before_its_socket(shared_app, chromium):
    site, question = shared_app.site, "Who waits for the socket?"
    delayed = []
    with nobody_else_sees(site):
        page = chromium.new_context().new_page()
        page.route_web_socket("**/ws/search/", lambda socket: delayed.append(socket))
        page.goto(site.url)
        refuse_snapshots(page)
        ask(page, question)
        page.locator("[data-status=pending]").wait_for()
        wait_for_answer(shared_app, page)
        delayed[0].connect_to_server()
        page.locator("[data-status=done] .answer:not(:empty)").wait_for(timeout=10_000)
    assert calls(site, question) == 1


@pytest.mark.fault(4, "the browser is offline while the result arrives")
def test_a_page_shows_a_result_that_arrived_while_it_was_offline(shared_app, chromium):
    site, question = shared_app.site, "Who is away?"
    with nobody_else_sees(site):
        page = chromium.new_context().new_page()
        page.goto(site.url)
        page.evaluate("window.isTheSamePage = true")
        refuse_snapshots(page)
        page.get_by_text("Live", exact=True).wait_for()
        with frozen(shared_app.project.running["worker"]):
            ask(page, question)
            page.locator("[data-status=pending]").wait_for()
            page.context.set_offline(True)
            page.get_by_text("Offline").wait_for()
        wait_for_answer(shared_app, page)
        assert not page.locator("[data-status=done]").count()
        page.context.set_offline(False)
        page.locator("[data-status=done] .answer:not(:empty)").wait_for(timeout=10_000)
        assert page.evaluate("window.isTheSamePage")
    assert calls(site, question) == 1
