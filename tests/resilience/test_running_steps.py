"""Check that a running step survives faults.

The other modules in this folder check this for `final/`.
"""

import contextlib
import json
import signal
import time

import pytest
from websockets.exceptions import ConnectionClosed

from tutorial.runtime import services
from tutorial.runtime.waiting import wait_until
from tutorial.visitor.sockets import NoSocket, open_socket
from tutorial.visitor.visitor import Visitor

# For how many seconds no socket gets a frame. With `RedisChannelLayer`, redis-py 8
# closes an idle socket after 5 seconds.
IDLE = 8.0


@pytest.mark.xdist_group("step 6")
def test_idle_sockets_stay_open_and_still_work(run_step):
    running = run_step("6")
    visitors = [Visitor(running.site) for _ in range(3)]
    for visitor in visitors:
        visitor.get()
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(open_socket(visitor)) for visitor in visitors]
        deadline = time.monotonic() + IDLE
        for socket in sockets:
            # Neither a frame nor the end of the connection may arrive in this time.
            with pytest.raises(TimeoutError):
                socket.recv(timeout=max(0.0, deadline - time.monotonic()))
        for number, (visitor, socket) in enumerate(zip(visitors, sockets, strict=True)):
            visitor.ask(f"Still there, {number}?")
            assert (
                json.loads(socket.recv(timeout=10))["query"]
                == f"Still there, {number}?"
            )


@pytest.mark.xdist_group("step 7")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_step_survives_a_restart_of_redis(run_step, number):
    """After the restart, a search works with the old socket and with a new one."""
    running = run_step("7")
    visitor = Visitor(running.site)
    visitor.get()
    with open_socket(visitor) as socket:
        visitor.ask("Before?")
        assert json.loads(socket.recv(timeout=10))["query"] == "Before?"

        running.redis.child.send_signal(number)
        running.redis.child.wait(timeout=5)
        running.redis, _ = services.start_redis(
            running.processes, running.redis_data, running.redis_port
        )

        later = Visitor(running.site)
        later.get()

        def answered() -> bool:
            """Whether a search works again, from the form to the frame."""
            later.ask("After?")
            with contextlib.suppress(NoSocket), open_socket(later) as new_socket:
                later.ask("After?")
                with contextlib.suppress(TimeoutError, ConnectionClosed):
                    return "After?" in new_socket.recv(timeout=3)
            return False

        wait_until(answered, seconds=30, otherwise="no search works after the restart")
        visitor.ask("And the old socket?")
        frame = json.loads(socket.recv(timeout=10))
        assert frame["query"] == "And the old socket?"
    for name, process in running.project.running.items():
        assert process.child.poll() is None, f"{name} has ended"


@pytest.mark.xdist_group("step 7")
def test_a_message_waits_until_a_killed_worker_is_restarted(run_step):
    running = run_step("7")
    visitor = Visitor(running.site)
    visitor.get()
    running.processes.stop([running.project.running["worker"]])
    with open_socket(visitor) as socket:
        visitor.ask("Who is there?")
        assert len(running.site.waiting_messages()) == 1
        running.project.restart(running.processes, "worker")
        assert json.loads(socket.recv(timeout=20))["query"] == "Who is there?"


@pytest.mark.xdist_group("step 7")
@pytest.mark.parametrize(
    "name",
    ["rate limit", "server error", "no quota", "bad key", "cut stream", "refusal"],
)
def test_a_failure_of_the_api_is_shown_to_the_user_who_asked(run_step, name):
    visitor = Visitor(run_step("7").site)
    visitor.get()
    with open_socket(visitor) as socket:
        visitor.ask(f"simulate: {name}")
        frame = json.loads(socket.recv(timeout=20))
    assert frame["answer"] == ""
    assert frame["error"].startswith("The API gave")
    assert frame["error"] in visitor.get().page.text
