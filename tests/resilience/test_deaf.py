"""Check that messages flow again after a connection to Redis has failed silently.

These tests belong to row 32 of the table of faults, which the command
`python3 -m tutorial test -m fault` prints.
"""

import json

import pytest

from support.app.page import ask, expect_status, open_page
from support.app.person import ENDED, Person
from support.app.proxy import proxy_to
from support.app.start import start_app
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.processes import Processes
from tutorial.runtime.services import start_redis
from tutorial.runtime.waiting import wait_until

HEALS_WITHIN = 20  # seconds


def wait_for_news(socket, task_id: str) -> None:
    """Wait until a frame or a snapshot shows that the search has ended."""
    while True:
        data = json.loads(socket.recv(timeout=HEALS_WITHIN))
        searches = {one["task_id"]: one for one in data.get("searches", [data])}
        if searches.get(task_id, {}).get("status") in ENDED:
            return


@pytest.fixture
def behind_proxy(tmp_path):
    """Run the app and a proxy, which is the only path from the app to Redis."""
    with Processes(lambda name, line: None) as processes:
        _, url = start_redis(processes, tmp_path / "other redis", free_port())
        with proxy_to(int(url.rpartition(":")[2].partition("/")[0])) as proxy:
            url = f"redis://127.0.0.1:{proxy.port}/0"
            running = start_app(tmp_path, {"REDIS_URL": url})
            yield running, proxy
            running.stop()


@pytest.mark.slow(30)
@pytest.mark.fault(32, "a network path to Redis fails silently under load")
def test_after_a_silent_failure_old_and_new_sockets_get_messages_again(
    behind_proxy, chromium
):
    running, proxy = behind_proxy
    person = Person(running.site)
    page = open_page(chromium.new_context(), running.site)
    web = running.project.running["web"]
    with person.open_socket() as socket:
        # The worker's periodic rounds find this search even if its message is lost.
        wait_for_news(socket, person.search("Does it work?"))
        proxy.freeze()
        # At this moment, no process receives messages.
        lost = person.search("Who hears this?")
        wait_for_news(socket, lost)
        with person.open_socket() as other:
            task_id = person.search("And this?")
            for one in (socket, other):
                wait_for_news(one, task_id)
    ask(page, "What is a broker?")
    expect_status(page, "What is a broker?", "done")
    wait_until(
        lambda: any("Messages arrive" in line for line in web.lines),
        seconds=HEALS_WITHIN,
        otherwise=lambda: str(web.lines[-20:]),
    )
