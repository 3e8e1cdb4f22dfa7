"""Check that `final/` works if PostgreSQL is overloaded, killed, frozen or locked.

The tests in other modules also run with PostgreSQL if they are marked with
`on_both_databases`.
"""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from support.app.fault_hooks import wait_for_middle
from support.app.person import Person, at_the_same_time, calls, wait_for_frame
from support.app.postgres import on_postgres
from support.app.processes import frozen, kill, restart
from support.app.stranger import nobody_else_sees
from tutorial.runtime.waiting import wait_until


@on_postgres
@pytest.mark.fault(26, "one person sends a flood of questions")
def test_a_flood_of_questions_is_limited_with_postgresql(run_app):
    running = run_app(SEARCHES_PER_MINUTE="5")
    flood = Person(running.site)
    answers = at_the_same_time(lambda: flood.post("Flood?"), 30)
    assert sorted(status for status, *_ in answers) == [202] * 5 + [429] * 25


@on_postgres
@pytest.mark.fault(25, "the database is locked or gone for a few seconds")
def test_searches_finish_after_a_killed_database_server_is_restarted(
    app, person, postgres
):
    with nobody_else_sees(app.site), person.open_socket() as socket:
        task_id = person.search("Who is asked during this time?")
        wait_for_middle(person, task_id)
        kill(postgres.process)
        status, data, headers = person.post("Is anything saved?")
        assert (status, headers["Retry-After"]) == (503, "5"), data
        wait_until(
            lambda: any("database does not" in line for _, line in app.log),
            seconds=20,
            otherwise="no process has logged that the database does not answer",
        )
        postgres.start_again()
        assert wait_for_frame(socket, task_id)["status"] == "done"
        again = person.search("And now?")
        assert wait_for_frame(socket, again)["status"] == "done"
    assert calls(app.site, "Who is asked during this time?") == 1


@on_postgres
@pytest.mark.fault(25, "the database is locked or gone for a few seconds")
def test_a_search_finishes_after_the_database_server_was_frozen(app, person, postgres):
    with nobody_else_sees(app.site), person.open_socket() as socket:
        task_id = person.search("Who hangs?")
        wait_for_middle(person, task_id)
        lines = len(app.log)
        with frozen(postgres.process):
            wait_until(
                lambda: (
                    any(task_id[:8] in line for _, line in app.log[lines:])
                    or calls(app.site, "Who hangs?")
                ),
                seconds=20,
                otherwise="nothing happened",
            )
        assert wait_for_frame(socket, task_id)["status"] == "done"
    assert calls(app.site, "Who hangs?") == 1


LOCKED = 34, "somebody has locked a row or a table for a long time"


@on_postgres
@pytest.mark.fault(*LOCKED)
def test_a_locked_row_delays_only_its_own_search(app, person):
    with nobody_else_sees(app.site), person.open_socket() as socket:
        stuck = person.search("Who is locked?")
        wait_for_middle(person, stuck)
        with psycopg.connect(app.project.environment["DATABASE_URL"]) as other:
            other.execute(
                "SELECT 1 FROM search_searchresult WHERE task_id = %s FOR UPDATE",
                [stuck],
            )
            questions = [f"Who is free, {number}?" for number in range(8)]
            searches = [person.search(question) for question in questions]
            for task_id in searches:
                assert person.wait_for_end(task_id)["status"] == "done"
            # By now, the lease of the locked search has expired. It cannot be renewed.
            assert person.snapshot()[stuck]["status"] == "running"
        assert wait_for_frame(socket, stuck)["status"] == "done"
    for question in ("Who is locked?", *questions):
        assert calls(app.site, question) == 1


@on_postgres
@pytest.mark.fault(*LOCKED)
def test_an_abandoned_search_is_not_claimed_while_its_row_is_locked(app, person):
    """Otherwise, the attempts would occupy the database threads of the worker."""
    with nobody_else_sees(app.site), person.open_socket() as socket:
        stuck, free = [
            person.search(f"Who is asked {when}?") for when in ("early", "late")
        ]
        for task_id in (stuck, free):
            wait_for_middle(person, task_id)
        kill(app.project.running["worker"])
        with psycopg.connect(app.project.environment["DATABASE_URL"]) as other:
            other.execute(
                "SELECT 1 FROM search_searchresult WHERE task_id = %s FOR UPDATE",
                [stuck],
            )
            restart(app, "worker")
            worker = app.project.running["worker"]
            # The worker looks for the abandoned searches in order of their age.
            assert wait_for_frame(socket, free)["status"] == "done"
            assert not any(f"{stuck[:8]} · was over" in line for line in worker.lines)
        assert wait_for_frame(socket, stuck)["status"] == "done"


@on_postgres
@pytest.mark.fault(*LOCKED)
def test_a_locked_table_delays_neither_health_checks_nor_static_files(run_app):
    # This timeout is so long that the threads for pages wait during the whole test.
    limits = "\nLIMITS = \"SET lock_timeout = '60s'\"\n"
    running, finished = (
        run_app({"config/database.py": limits}, DATABASE_CONNECTIONS="64"),
        [],
    )
    person = Person(running.site)
    person.get()
    with (
        ThreadPoolExecutor(40) as pool,
        psycopg.connect(running.project.environment["DATABASE_URL"]) as other,
    ):
        other.execute("LOCK TABLE search_searchresult IN ACCESS EXCLUSIVE MODE")
        for _ in range(40):
            pool.submit(lambda: finished.append(person.get().status))
        wait_until(
            lambda: waiting(other) >= 32,
            seconds=30,
            otherwise=lambda: f"{waiting(other)} wait",
        )
        for path in ("/healthz", "/static/search/search.js"):
            assert person.open(f"{running.site.url}{path}").status == 200
        assert finished == []


@on_postgres
@pytest.mark.fault(*LOCKED)
def test_a_visitor_gets_an_error_if_a_table_stays_locked(app, person):
    person.get()
    with psycopg.connect(app.project.environment["DATABASE_URL"]) as other:
        other.execute("LOCK TABLE search_searchresult IN ACCESS EXCLUSIVE MODE")
        assert person.get().status == 503
    assert person.get().status == 200


def waiting(connection) -> int:
    """Return how many connections wait for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    connection.execute("SELECT pg_stat_clear_snapshot()")
    return connection.execute(query).fetchone()[0]
