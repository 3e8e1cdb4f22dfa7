"""Rows 11 and 13: a worker is killed, and another one continues its searches."""

import pytest

from support.app.fault_hooks import held, wait_for_line, wait_for_middle
from support.app.person import calls, wait_for_frame
from support.app.postgres import on_both_databases
from support.app.processes import frozen, kill, restart, second_worker
from support.app.stranger import nobody_else_sees
from tutorial.runtime.processes import Process
from tutorial.runtime.waiting import wait_until

STRIDE = 1_000_000  # a worker adds this to the sequence of a search that it claims


@pytest.mark.fault(11, "kill -9 of the worker")
def test_a_worker_is_killed(app, person):
    with nobody_else_sees(app.site), person.open_socket() as socket:
        task_id = person.search("Who is killed?")
        wait_for_middle(person, task_id)
        kill(app.project.running["worker"])
        restart(app, "worker")
        assert wait_for_frame(socket, task_id)["status"] == "done"
    # The first answer was paid for, and is lost with the worker.
    assert calls(app.site, "Who is killed?") == 2


@on_both_databases
@pytest.mark.fault(11, "kill -9 of the worker")
def test_a_worker_is_killed_while_another_runs(app, person):
    first = app.project.running["worker"]

    def whose(task_id: str) -> Process:
        wait_for_middle(person, task_id)
        workers = (first, second)
        [worker] = [w for w in workers if any(task_id in line for line in w.lines)]
        return worker

    try:
        with (
            second_worker(app) as second,
            nobody_else_sees(app.site),
            person.open_socket() as socket,
        ):
            # A frozen worker seems dead. After waking up, it leaves the search alone.
            task_id = person.search("Who sleeps?")
            worker = whose(task_id)
            with frozen(worker):
                wait_until(
                    lambda: person.snapshot()[task_id]["sequence"] > 2 * STRIDE,
                    seconds=20,
                    otherwise="the other worker did not take the search",
                )
            wait_for_line(worker, f"{task_id[:8]} · cancelled, or taken over")
            assert wait_for_frame(socket, task_id)["status"] == "done"
            assert calls(app.site, "Who sleeps?") == 2

            task_id = person.search("Who is left?")
            kill(whose(task_id))
            assert wait_for_frame(socket, task_id)["status"] == "done"
            assert calls(app.site, "Who is left?") == 2
    finally:
        if first.child.poll() is not None:
            restart(app, "worker")


@on_both_databases
@pytest.mark.fault(11, "kill -9 of the worker")
def test_a_slow_worker_keeps_its_search(app, person):
    with nobody_else_sees(app.site), person.open_socket() as socket:
        with held(app):
            task_id = person.search("Who takes long?")
            worker = app.project.running["worker"]
            # A line takes 0.1 seconds: 50 lines take twice as long as the lease.
            wait_for_line(worker, f"{task_id} is answered", times=50)
        assert wait_for_frame(socket, task_id)["status"] == "done"
    assert calls(app.site, "Who takes long?") == 1


@pytest.mark.fault(13, "a crash after the API answered and before the save")
def test_a_crash_before_the_save(app, person):
    with nobody_else_sees(app.site), person.open_socket() as socket:
        with held(app):
            task_id = person.search("What was paid for?")
            worker = app.project.running["worker"]
            wait_for_line(worker, f"{task_id} is answered")
            kill(worker)
        restart(app, "worker")
        assert wait_for_frame(socket, task_id)["status"] == "done"
    assert calls(app.site, "What was paid for?") == 2
