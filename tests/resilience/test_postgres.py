"""PostgreSQL is overloaded, killed or frozen.

More rows run with PostgreSQL, too: those with `on_both_databases`.
"""

import pytest

from support.app.fault_hooks import wait_for_middle
from support.app.person import Person, at_the_same_time, calls, wait_for_frame
from support.app.postgres import on_postgres
from support.app.processes import frozen, kill
from support.app.stranger import nobody_else_sees
from tutorial.runtime.waiting import wait_until


@on_postgres
@pytest.mark.fault(26, "a flood of questions from one person")
def test_a_flood_finds_its_limit(run_app):
    running = run_app(SEARCHES_PER_MINUTE="5")
    flood = Person(running.site)
    answers = at_the_same_time(lambda: flood.post("Flood?"), 30)
    assert sorted(status for status, *_ in answers) == [202] * 5 + [429] * 25


@on_postgres
@pytest.mark.fault(25, "the database is locked or gone for some seconds")
def test_a_server_that_dies_comes_back(app, person, postgres):
    with nobody_else_sees(app.site), person.open_socket() as socket:
        task_id = person.search("Who is asked meanwhile?")
        wait_for_middle(person, task_id)
        kill(postgres.process)
        status, data, headers = person.post("Is anything saved?")
        assert (status, headers["Retry-After"]) == (503, "5"), data
        wait_until(
            lambda: any("database does not" in line for _, line in app.log),
            seconds=20,
            otherwise="the worker has not noticed",
        )
        postgres.start_again()
        assert wait_for_frame(socket, task_id)["status"] == "done"
        again = person.search("And now?")
        assert wait_for_frame(socket, again)["status"] == "done"
    assert calls(app.site, "Who is asked meanwhile?") == 1


@on_postgres
@pytest.mark.fault(25, "the database is locked or gone for some seconds")
def test_a_server_that_hangs_is_waited_for(app, person, postgres):
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
