"""The map shows faults that happen while it is open."""

import signal

import pytest
from playwright.sync_api import expect

from support.app.processes import frozen
from tutorial.live_map.server import LiveMap
from tutorial.runtime.waiting import wait_until

QUESTION = "What is a broker?"


@pytest.mark.slow(12)
def test_a_killed_worker_and_its_stuck_searches_are_shown(run_mapped, open_map):
    running = run_mapped("7")
    page = open_map(running)
    running.ask("simulate: silence")
    running.wait_for("waiting")
    expect(page.locator("#verdict")).to_contain_text("has not answered for")
    worker = running.stack.project.running["worker"]
    worker.child.send_signal(signal.SIGKILL)
    expect(page.locator("#list .state")).to_have_text("stuck at 4 worker")
    expect(page.locator("#verdict")).to_contain_text("The worker that had the search")
    ended = page.locator("#processes .is-ended")
    expect(ended).to_contain_text("was killed by SIGKILL")
    # The next question waits, and the map says why.
    running.ask(QUESTION)
    newest = page.locator("#list .state").first
    expect(newest).to_have_text("stuck on the way to 4 worker")
    verdict = page.locator("#verdict")
    expect(verdict).to_contain_text("The worker has ended: it was killed")
    running.stack.processes.stop([worker])
    running.stack.restart("worker")
    expect(page.locator("#processes")).to_contain_text("running, start 2")
    assert running.wait_for("stuck", number=2)["halt"]["stage"] == 6
    kinds = [hop["kind"] for hop in running.searches()[1]["hops"]]
    assert "broadcast" in kinds, "the new worker has answered it"


@pytest.mark.lab
@pytest.mark.slow(12)
def test_the_map_shows_whether_redis_answers(run_mapped, open_map, visit):
    running = run_mapped("7")
    page = open_map(running)
    redis = running.stack.service("redis")
    with frozen(redis):
        expect(page.locator("#redis")).to_contain_text("Redis does not answer")
    expect(page.locator("#redis")).not_to_contain_text("Redis does not answer")
    visit(running, QUESTION)
    running.wait_for("arrived")


@pytest.mark.slow(8)
def test_the_page_reconnects_when_the_map_starts_again(run_mapped, open_map):
    running = run_mapped("3")
    page = open_map(running)
    running.ask(QUESTION)
    expect(page.locator("#list .state")).to_have_text("waits at 3 queue")
    live = running.live
    live.__exit__(None, None, None)
    expect(page.locator("#link")).to_contain_text("The project has stopped")
    with LiveMap(live.state, live.port) as again:
        expect(page.locator("#link")).to_have_text("Live")
        assert again.run != live.run
        running.ask("What is a queue?")
        # Earlier searches stay in the list of the page.
        expect(page.locator("#list button")).to_have_count(3)


@pytest.mark.slow(5)
def test_an_observer_that_cannot_write_does_not_harm_the_project(run_mapped, tmp_path):
    events = {"TUTORIAL_EVENTS": str(tmp_path / "not" / "there" / "events")}
    running = run_mapped("3", environment=events)
    running.ask(QUESTION)
    wait_until(
        lambda: running.site.waiting_messages(),
        seconds=10,
        otherwise="the search did not arrive",
    )
    assert running.searches() == []
