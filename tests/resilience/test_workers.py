"""Check that no search is lost if a worker's thread dies or gets a message twice.

These tests belong to rows 10 and 12 of the table of faults, which the command
`python3 -m tutorial test -m fault` prints.
"""

import pytest

from support.app.fault_hooks import harm, wait_for_line, wait_for_middle
from support.app.person import calls, wait_for_frame
from support.app.postgres import on_both_databases
from support.app.processes import ask_redis, restart, without_worker
from support.app.start import QUEUE
from support.app.stranger import nobody_else_sees


@pytest.mark.fault(10, "a worker's thread dies in a task")
def test_an_exception_during_an_answer_is_reported_to_the_user(app, person):
    with nobody_else_sees(app.site), person.open_socket() as socket:
        harm(app, "raise", "RuntimeError")
        task_id = person.search("Whose mistake?")
        frame = wait_for_frame(socket, task_id)
        assert frame["status"] == "failed"
        assert frame["error"] == "Something went wrong on our side."
        assert person.snapshot()[task_id]["error"] == frame["error"]
    assert calls(app.site, "Whose mistake?") == 1


@pytest.mark.fault(10, "a worker's thread dies in a task")
def test_a_search_finishes_if_a_thread_of_celery_ends(app, person):
    with nobody_else_sees(app.site), person.open_socket() as socket:
        gone = harm(app, "end the thread")
        task_id = person.search("Which thread?")
        assert wait_for_frame(socket, task_id)["status"] == "done"
        assert not gone.exists()
    assert calls(app.site, "Which thread?") == 1


@pytest.mark.fault(10, "a worker's thread dies in a task")
def test_the_worker_ends_if_its_event_loop_ends(app, person):
    """If the worker did not end, it would take messages but do nothing with them."""
    worker = app.project.running["worker"]
    questions = ["What ends?", "And what ends with it?"]
    with nobody_else_sees(app.site), person.open_socket() as socket:
        searches = [person.search(question) for question in questions]
        for task_id in searches:
            wait_for_middle(person, task_id)
        harm(app, "raise", "SystemExit")
        worker.child.wait(timeout=10)
        restart(app, "worker")
        ended = {wait_for_frame(socket)["task_id"] for _ in searches}
        assert ended == set(searches)
        snapshot = person.snapshot()
        assert {snapshot[task_id]["status"] for task_id in searches} == {"done"}
    assert [calls(app.site, question) for question in questions] == [2, 2]


@on_both_databases
@pytest.mark.fault(12, "a message is delivered twice")
def test_a_message_that_is_delivered_twice_is_answered_once(app, person):
    with (
        nobody_else_sees(app.site),
        person.open_socket() as socket,
        ask_redis(app) as client,
    ):
        with without_worker(app):
            task_id = person.search("Twice?")
            [message] = client.lrange(QUEUE, 0, -1)
            client.lpush(QUEUE, message)
        frame = wait_for_frame(socket, task_id)
        assert frame["status"] == "done"
        # Deliver the message again after the search has ended.
        client.lpush(QUEUE, message)
        worker = app.project.running["worker"]
        wait_for_line(worker, f"{task_id[:8]} · nothing to do", times=2)
        assert person.snapshot()[task_id] == frame
    assert calls(app.site, "Twice?") == 1
