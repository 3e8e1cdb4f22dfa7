"""Check that another worker continues the searches of a worker that was killed.

These tests belong to rows 11 and 13 of the table of faults, which the command
`python3 -m tutorial test -m fault` prints.
"""

import pytest

from support.app.fault_hooks import harm, held, wait_for_line, wait_for_middle
from support.app.person import Person, calls, wait_for_frame
from support.app.postgres import on_both_databases, on_postgres
from support.app.processes import frozen, kill, restart, second_worker
from support.app.stranger import nobody_else_sees
from tutorial.runtime.processes import Process
from tutorial.runtime.waiting import wait_until

# A worker that claims a search adds this to the sequence number of the search.
STRIDE = 1_000_000


def whose(person: Person, task_id: str, *workers: Process) -> Process:
    """Wait until a part of the answer is saved. Return the worker that saved it."""
    wait_for_middle(person, task_id)
    [worker] = [w for w in workers if any(task_id in line for line in w.lines)]
    return worker


def wait_until_taken_over(person: Person, task_id: str) -> None:
    """Wait until a second worker has claimed the search."""
    wait_until(
        lambda: person.snapshot()[task_id]["sequence"] > 2 * STRIDE,
        seconds=20,
        otherwise="the other worker did not take the search",
    )


@pytest.mark.fault(11, "kill -9 of the worker")
def test_a_search_finishes_if_its_worker_is_killed_and_restarted(app, person):
    with nobody_else_sees(app.site), person.open_socket() as socket:
        task_id = person.search("Who is killed?")
        wait_for_middle(person, task_id)
        kill(app.project.running["worker"])
        restart(app, "worker")
        assert wait_for_frame(socket, task_id)["status"] == "done"
    # The first call costs money, too, although its answer is lost with the worker.
    assert calls(app.site, "Who is killed?") == 2


@on_both_databases
@pytest.mark.fault(11, "kill -9 of the worker")
def test_another_worker_takes_over_if_a_worker_is_frozen_or_killed(app, person):
    first = app.project.running["worker"]

    try:
        with (
            second_worker(app) as second,
            nobody_else_sees(app.site),
            person.open_socket() as socket,
        ):
            # A frozen worker seems dead. After waking up, it does not touch the search.
            task_id = person.search("Who sleeps?")
            worker = whose(person, task_id, first, second)
            with frozen(worker):
                wait_until_taken_over(person, task_id)
            wait_for_line(worker, f"{task_id[:8]} · cancelled, or taken over")
            assert wait_for_frame(socket, task_id)["status"] == "done"
            assert calls(app.site, "Who sleeps?") == 2

            task_id = person.search("Who is left?")
            kill(whose(person, task_id, first, second))
            assert wait_for_frame(socket, task_id)["status"] == "done"
            assert calls(app.site, "Who is left?") == 2
    finally:
        if first.child.poll() is not None:
            restart(app, "worker")


@on_postgres
@pytest.mark.fault(11, "kill -9 of the worker")
def test_another_worker_takes_over_if_a_worker_is_frozen_in_a_transaction(app, person):
    """The database must release the row that the frozen worker has locked."""
    with (
        second_worker(app) as second,
        nobody_else_sees(app.site),
        person.open_socket() as socket,
    ):
        with held(app):
            task_id = person.search("Who sleeps in a transaction?")
            worker = whose(person, task_id, app.project.running["worker"], second)
            file = harm(app, "keep the locks")
            wait_for_line(worker, "the rows are locked")
            with frozen(worker):
                file.unlink()
                wait_until_taken_over(person, task_id)
            wait_for_line(worker, f"{task_id[:8]} · cancelled, or taken over")
        assert wait_for_frame(socket, task_id)["status"] == "done"
    assert calls(app.site, "Who sleeps in a transaction?") == 2
    assert not any("A round failed" in line for line in worker.lines)


@on_both_databases
@pytest.mark.fault(11, "kill -9 of the worker")
def test_a_slow_worker_keeps_its_search(app, person):
    with nobody_else_sees(app.site), person.open_socket() as socket:
        with held(app):
            task_id = person.search("Who takes long?")
            worker = app.project.running["worker"]
            # The worker prints a line every 0.1 seconds. 50 lines take 5 seconds: twice
            # as long as the lease.
            wait_for_line(worker, f"{task_id} is answered", times=50)
        assert wait_for_frame(socket, task_id)["status"] == "done"
    assert calls(app.site, "Who takes long?") == 1


@pytest.mark.fault(13, "a crash after the API answered and before the save")
def test_a_search_finishes_if_the_worker_is_killed_before_the_save(app, person):
    with nobody_else_sees(app.site), person.open_socket() as socket:
        with held(app):
            task_id = person.search("What was paid for?")
            worker = app.project.running["worker"]
            wait_for_line(worker, f"{task_id} is answered")
            kill(worker)
        restart(app, "worker")
        assert wait_for_frame(socket, task_id)["status"] == "done"
    assert calls(app.site, "What was paid for?") == 2
