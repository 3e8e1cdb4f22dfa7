"""Check that no answer is lost if SIGTERM ends a process, as in a deployment.

These tests belong to row 23 of the table of faults, which the command
`python3 -m tutorial test -m fault` prints.
"""

import contextlib
import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from playwright.sync_api import expect
from websockets.exceptions import ConnectionClosed

from support.app.database import open_database
from support.app.page import ask, expect_state, expect_status, open_page
from support.app.person import Person, calls, wait_for_frame
from support.app.processes import restart
from tutorial.runtime import reaper
from tutorial.runtime.waiting import wait_until

# Close codes of WebSockets.
GOING_AWAY, SERVICE_RESTART = 1001, 1012


def terminate(running, name):
    """Send SIGTERM to the process, as an operator does, and return the process."""
    process = running.project.running[name]
    os.killpg(process.group, signal.SIGTERM)
    return process


def connections(running, name):
    """Return how many open connections the process has."""
    process = psutil.Process(running.project.running[name].child.pid)
    found = process.net_connections("tcp")
    return sum(connection.status == psutil.CONN_ESTABLISHED for connection in found)


def wait_for_exit(process, seconds):
    wait_until(
        lambda: not reaper.is_alive(process.group),
        seconds=seconds,
        otherwise=lambda: f"{process.name} is still running: {process.lines[-5:]}",
    )


def wait_for_chunk(socket, seconds=20):
    """Wait for a frame with a piece of an answer, and return the frame."""
    while True:
        frame = json.loads(socket.recv(timeout=seconds))
        if "chunk" in frame:
            return frame


@pytest.mark.fault(23, "SIGTERM to web and worker in the middle of a stream")
def test_a_worker_finishes_its_searches_before_it_ends(app, person):
    site, question = app.site, "What does a worker do?"
    with person.open_socket() as socket:
        task_id = person.search(question)
        wait_for_chunk(socket)
        worker = terminate(app, "worker")
        assert wait_for_frame(socket, task_id)["status"] == "done"
        wait_for_exit(worker, 10)
        # A new question waits for the next worker.
        later = person.search("Who answers this?")
        assert person.snapshot()[later]["status"] == "pending"
        restart(app, "worker")
        assert wait_for_frame(socket, later, 40)["status"] == "done"
    assert "offline stand-in" in person.snapshot()[task_id]["answer"]
    assert calls(site, question) == calls(site, "Who answers this?") == 1


@pytest.mark.fault(23, "SIGTERM to web and worker in the middle of a stream")
def test_a_search_longer_than_the_grace_period_is_given_to_another_worker(run_app):
    # The lease does not expire during the test, so no worker can claim the search
    # before the first worker gives it back.
    patience = {"SEARCH_GRACE_SECONDS": "1", "SEARCH_LEASE_SECONDS": "600"}
    running = run_app(OPENAI_FIRST_WORD_SECONDS="60", **patience)
    person, question = Person(running.site), "simulate: silence"
    with person.open_socket() as socket:
        task_id = person.search(question)
        wait_until(
            lambda: calls(running.site, question), seconds=20, otherwise="no API call"
        )
        worker = terminate(running, "worker")
        running.project.environment["OPENAI_FIRST_WORD_SECONDS"] = "1"
        running.project.restart(running.processes, "worker")
        wait_for_exit(worker, 10)
        frame = wait_for_frame(socket, task_id, 40)
    words = "The API did not respond in time."
    assert (frame["status"], frame["error"]) == ("failed", words)
    assert calls(running.site, question) == 1 + 1


@pytest.mark.fault(23, "SIGTERM to web and worker in the middle of a stream")
def test_a_web_process_responds_to_open_requests_before_it_ends(app, person, chromium):
    site, question = app.site, "Is a POST cut short?"
    page = open_page(chromium.new_context(), site)
    with person.open_socket() as socket, open_database(app) as database:
        ask(page, "What is a web process?")
        expect_status(page, "What is a web process?", "running")
        expect(page.locator("#notices")).to_have_text("Search has started!")
        before = connections(app, "web")
        # The lock makes the next request wait.
        database.execute("BEGIN IMMEDIATE")
        post = ThreadPoolExecutor(1).submit(person.post, question)
        wait_until(
            lambda: connections(app, "web") > before,
            seconds=20,
            otherwise="the request did not arrive",
        )
        web = terminate(app, "web")
        with contextlib.suppress(ConnectionClosed):
            while True:
                socket.recv(timeout=10)
        assert socket.close_code in (GOING_AWAY, SERVICE_RESTART)
        assert not post.done()
        database.execute("ROLLBACK")
        status, data, _ = post.result()
    assert status == 202
    wait_for_exit(web, 15)
    expect_state(page, "Offline: reconnecting")
    restart(app, "web")
    expect_state(page, "Live")
    expect_status(page, "What is a web process?", "done")
    assert person.wait_for_end(data["search"]["task_id"])["status"] == "done"
    assert calls(site, question) == calls(site, "What is a web process?") == 1
