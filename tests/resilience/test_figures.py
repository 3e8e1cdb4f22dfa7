"""Check what the metrics of the web process and of the worker show."""

import urllib.request

import pytest

from support.app.account import submit
from support.app.person import Person
from support.app.processes import kill, restart
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.waiting import wait_until


def figures_at(url: str) -> dict[str, float]:
    """Return the values of the metrics at this address, by name and labels."""
    with urllib.request.urlopen(url, timeout=10) as response:
        lines = response.read().decode().splitlines()
    found = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in found}


@pytest.mark.slow(15)
@pytest.mark.fault(40, "an operator needs to see what goes wrong")
def test_the_metrics_count_ended_searches_errors_and_takeovers(run_app):
    port = free_port()
    running = run_app(WORKER_METRICS=f"127.0.0.1:{port}", SEARCH_GRACE_SECONDS="1")
    person, site = Person(running.site), running.site
    for question in ("What is a figure?", "simulate: bad key"):
        person.wait_for_end(person.search(question))
    cancelled = person.search("simulate: silence")
    path = f"/searches/{cancelled}/cancel/"
    assert submit(person, "/", action=path).status == 302

    address = f"http://127.0.0.1:{port}/metrics"
    wait_until(
        lambda: figures_at(address)["search_seconds_count"] == 2,
        seconds=10,
        otherwise=lambda: str(figures_at(address)),
    )
    worker = figures_at(address)
    assert worker['search_ended_total{outcome="done"}'] == 1
    assert worker['search_ended_total{outcome="failed"}'] == 1
    assert worker['search_api_errors_total{kind="AuthenticationError"}'] == 1
    assert worker["search_first_word_seconds_count"] == 1
    assert 0 < worker["search_seconds_sum"] < 20
    assert worker["search_takeovers_total"] == 0
    web = figures_at(f"{site.url}/metrics")
    assert web['search_ended_total{outcome="cancelled"}'] == 1

    # The restarted worker takes over the search of the killed worker.
    left = person.search("simulate: slow")
    wait_until(
        lambda: person.snapshot()[left]["status"] == "running",
        seconds=20,
        otherwise="no worker has taken the search",
    )
    kill(running.project.running["worker"])
    restart(running, "worker")
    person.wait_for_end(left, 40)
    assert figures_at(address)["search_takeovers_total"] == 1
