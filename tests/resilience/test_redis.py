"""Check that no search is lost if Redis or the connection to Redis fails.

These tests belong to rows 5 to 9 of the table of faults, which the command
`python3 -m tutorial test -m fault` prints.
"""

import contextlib
import itertools
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import WebSocketRoute

from support.app.fault_hooks import wait_for_line
from support.app.page import ask
from support.app.person import Person, calls, wait_for_frame
from support.app.postgres import on_both_databases
from support.app.processes import ask_redis, frozen, kill, without_redis, without_worker
from support.app.start import QUEUE
from support.app.stranger import nobody_else_sees
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.waiting import wait_until
from tutorial.visitor.site import Site
from tutorial.visitor.sockets import NoSocket

VISITORS = 50  # visitors at once; Celery's default pool has only ten connections
THREADS = {"sqlite": 1, "postgres": 10}  # of a web process, for new searches
# The app tries to reach Redis again three seconds after it has failed.
SILENCE = timedelta(seconds=2.5)


@pytest.mark.fault(5, "one pub/sub message is silently dropped")
def test_a_page_shows_the_answer_if_the_pub_sub_connection_breaks(app, chromium):
    site, question = app.site, "What is lost?"
    page = chromium.new_context().new_page()
    page.goto(site.url)
    page.get_by_text("Live", exact=True).wait_for()
    with nobody_else_sees(site):
        ask(page, question)
        wait_until(lambda: calls(site, question), seconds=10, otherwise="no API call")
        with ask_redis(app) as client:
            assert client.client_kill_filter(_type="pubsub") > 0
        page.locator("[data-status=done]").wait_for(timeout=15_000)
    assert page.locator(".answer").text_content() == the_answer(site, question)


@pytest.mark.fault(5, "one pub/sub message is silently dropped")
def test_a_page_shows_the_answer_if_its_last_message_is_dropped(app, chromium):
    """The page cannot detect a gap, because no message follows the dropped one."""
    site, question = app.site, "What is the last?"
    page = chromium.new_context().new_page()
    dropped = []

    def drop_the_last(to_page: WebSocketRoute) -> None:
        def pass_on(text: str) -> None:
            if json.loads(text).get("status") == "done":
                dropped.append(text)
            else:
                to_page.send(text)

        to_page.connect_to_server().on_message(pass_on)

    page.route_web_socket("**/ws/search/", drop_the_last)
    page.goto(site.url)
    with nobody_else_sees(site):
        ask(page, question)
        page.locator("[data-status=done]").wait_for(timeout=20_000)
    assert len(dropped) == 1
    assert page.locator(".answer").text_content() == the_answer(site, question)


def the_answer(site: Site, question: str) -> str:
    """Return the API's answer. Check that the API was called only once."""
    [request] = [r for r in site.requests_to_openai() if r["input"] == question]
    return request["answer"]


@pytest.mark.fault(6, "Redis refuses connections at POST")
def test_searches_finish_while_redis_refuses_connections(app):
    site = app.site
    person = Person(site)
    with nobody_else_sees(site):
        with without_redis(app):
            task_id = person.search("Does anybody need Redis?")
            wait_for_line(
                app.project.running["web"],
                f"{task_id[:8]} · not sent: ConnectionError",  # not a timeout
            )
            # The database is enough to run the search and to show its result.
            assert person.wait_for_end(task_id)["status"] == "done"
            # Pages keep trying to reconnect. Each attempt may log only one line.
            wait_until(
                lambda: is_refused(person),
                seconds=10,
                otherwise="a WebSocket opens although Redis is down",
            )
            # The database is also enough for a worker that starts while Redis is down.
            kill(app.project.running["worker"])
            app.project.restart(app.processes, "worker")
            task_id = person.search("And who starts without Redis?")
            assert person.wait_for_end(task_id)["status"] == "done"
        assert not any("in ASGI application" in line for _, line in app.log)
        # After the restart of Redis, messages arrive again.
        wait_until(
            lambda: is_live(person),
            seconds=40,
            otherwise="no message after the restart",
        )
    assert calls(site, "Does anybody need Redis?") == 1
    assert calls(site, "And who starts without Redis?") == 1


def is_refused(person: Person) -> bool:
    """Whether the app rejects a new socket. A page expects this while Redis is down."""
    try:
        person.open_socket().close()
    except NoSocket as refusal:
        assert refusal.status == 403, refusal
        return True
    return False


def is_live(person: Person) -> bool:
    """Whether a new socket receives a frame that reports the end of a new search."""
    try:
        with person.open_socket() as socket:
            frame = wait_for_frame(socket, person.search("Is it back?"), seconds=4)
    except Exception:
        return False
    return frame["status"] == "done"


@on_both_databases
@pytest.mark.fault(7, "Redis is frozen at POST")
def test_searches_are_accepted_and_finish_while_redis_hangs(app, database):
    site = app.site
    persons = [Person(site) for _ in range(VISITORS)]
    start, asked = len(app.log), itertools.count()

    def send(person: Person) -> None:
        person.search(f"Who waits, {next(asked)}?")

    def times_of(words: str) -> list[datetime]:
        lines = [line for _, line in app.log[start:] if words in line]
        return [datetime.fromisoformat(line[:23].replace(",", ".")) for line in lines]

    def has_been_tried_again() -> bool:
        list(pool.map(send, persons[:8]))
        waits = times_of("not sent")
        return waits[-1] - waits[0] > SILENCE

    def is_sent_again() -> bool:
        send(persons[-1])
        return bool(times_of("the message waits in Redis"))

    with nobody_else_sees(site), ThreadPoolExecutor(VISITORS) as pool:
        with frozen(app.redis):
            list(pool.map(send, persons))
            wait_until(has_been_tried_again, seconds=40, otherwise="it is not tried")
            for person in persons:
                for task_id in person.snapshot():
                    assert person.wait_for_end(task_id, 30)["status"] == "done"
        wait_until(is_sent_again, seconds=20, otherwise="no message is sent again")
    waits = times_of("not sent")
    first = [moment for moment in waits if moment - waits[0] < SILENCE]
    assert len(first) <= THREADS[database], "too many visitors waited for Redis"
    # From then on, only one visitor at a time waits.
    later = waits[len(first) - 1 :]
    assert min(b - a for a, b in itertools.pairwise(later)) > SILENCE, later
    asked_for = Counter(request["input"] for request in site.requests_to_openai())
    assert all(count == 1 for text, count in asked_for.items() if "Who waits" in text)


@on_both_databases
@pytest.mark.fault(8, "Redis loses the queue")
def test_a_search_finishes_if_redis_loses_the_queue(app):
    site = app.site
    person = Person(site)
    with nobody_else_sees(site):
        with without_worker(app):
            task_id = person.search("What was in the queue?")
            assert len(site.waiting_messages(QUEUE)) == 1
            with ask_redis(app) as client:
                client.flushall()
        assert person.wait_for_end(task_id)["status"] == "done"
    assert calls(site, "What was in the queue?") == 1


@pytest.mark.fault(9, "Redis restarts under load")
def test_all_searches_finish_if_redis_restarts_under_load(app):
    site = app.site
    persons = [Person(site) for _ in range(20)]
    with (
        nobody_else_sees(site),
        ThreadPoolExecutor(len(persons)) as pool,
        contextlib.ExitStack() as stack,
    ):
        sockets = [stack.enter_context(person.open_socket()) for person in persons]

        def ask(number: int) -> str:
            return persons[number].search(f"Who restarts, {number}?")

        before = list(pool.map(ask, range(10)))
        wait_until(
            lambda: calls(site, "Who restarts, 0?"), seconds=10, otherwise="no API call"
        )
        with without_redis(app):
            during = list(pool.map(ask, range(10, 20)))
            # The searches that were already running finish.
            for person, task_id in zip(persons, before, strict=False):
                assert person.wait_for_end(task_id)["status"] == "done"
        for person, task_id in zip(persons, before + during, strict=True):
            assert person.wait_for_end(task_id, 40)["status"] == "done"
        # The sockets are still open, and receive the next messages.
        later = [person.search("And now?") for person in persons]
        for socket, task_id in zip(sockets, later, strict=True):
            assert wait_for_frame(socket, task_id)["status"] == "done"
    for number in range(len(persons)):
        assert calls(site, f"Who restarts, {number}?") == 1


@pytest.mark.fault(9, "Redis restarts under load")
def test_sockets_can_be_opened_if_none_was_open_while_redis_restarted(app):
    """No page uses the connections to Redis at the moment when they break."""
    persons = [Person(app.site) for _ in range(12)]
    with nobody_else_sees(app.site):
        open_and_close(persons)
    with without_redis(app):
        pass
    open_and_close(persons)


def open_and_close(persons: list[Person]) -> None:
    """Open a socket for each person, and check that the socket receives a snapshot."""
    with contextlib.ExitStack() as stack:
        for person in persons:
            socket = stack.enter_context(person.open_socket())
            assert "searches" in json.loads(socket.recv(timeout=10))


@pytest.mark.fault(9, "Redis restarts under load")
def test_a_search_finishes_while_redis_rejects_writes(app):
    """During a failover, Redis rejects commands that write. Later, it accepts them."""
    site, person = app.site, Person(app.site)
    with nobody_else_sees(site), ask_redis(app) as client:
        client.replicaof("127.0.0.1", free_port())  # no server listens there
        try:
            task_id = person.search("Who may write?")
            assert person.wait_for_end(task_id)["status"] == "done"
        finally:
            client.replicaof("NO", "ONE")
        wait_until(
            lambda: is_live(person),
            seconds=40,
            otherwise="no message after the change",
        )
    worker = app.project.running["worker"]
    assert worker.child.poll() is None, worker.how_it_ended()
    assert calls(site, "Who may write?") == 1


@pytest.mark.fault(9, "Redis restarts under load")
def test_each_process_logs_one_line_for_a_restart_of_redis(run_app):
    app = run_app()
    person = Person(app.site)
    with person.open_socket() as socket:
        wait_for_frame(socket, person.search("Before?"))
        before = len(app.log)
        with without_redis(app):
            wait_until(
                lambda: any("No messages" in line for _, line in app.log[before:]),
                seconds=20,
                otherwise="web has not noticed",
            )
        wait_until(
            lambda: any("Messages arrive" in line for _, line in app.log[before:]),
            seconds=20,
            otherwise="web has not recovered",
        )
        wait_for_frame(socket, person.search("After?"))
    lines = [(name, line) for name, line in app.log[before:] if is_trouble(line)]
    assert sorted(name for name, _ in lines) == ["web", "worker"], lines


def is_trouble(line: str) -> bool:
    """Whether the line reports a problem, not the normal progress of a search."""
    story = (" · ", "received", "succeeded", "HTTP Request", "POST ", "Messages arrive")
    story += ("WebSocket /ws/", "connection open", "connection closed")
    return bool(line.strip()) and not any(words in line for words in story)
