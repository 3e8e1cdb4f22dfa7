"""In a browser, the map shows how far a search gets in each step."""

import json
import re

import pytest
from playwright.sync_api import expect

from tutorial.capture import journeys, records
from tutorial.capture.screenshots import REMEDY

QUESTION = "What is a broker?"

# For each step: the state in the list, words below the picture, and words at a station.
STORIES = {
    "1": ("ends at 2 view", "status 405. Step 2 adds", (1, QUESTION)),
    "2": ("ends at 2 view", "inside the view (eager mode)", (2, "eager mode")),
    "3": ("waits at 3 queue", "waits in Redis, in the list celery", (3, QUESTION)),
    "4": ("ends at 4 worker", "The answer is saved, but", (4, "saved a SearchResult")),
    "5": ("ends at 5 signal", "reached nobody", (5, "0 sockets in 0 processes")),
    "6": ("ends at 6 consumer", "the page does not change", (6, "sent a frame")),
    "7": ("arrived after", "", (6, "sent a frame")),
    "final": ("arrived after", "", (5, "search_completed was sent to 1 handler")),
}


def check_recorded(name: str, search: dict) -> None:
    """Check that the search is equal to the recorded one, apart from its times."""
    file = records.RECORDED / records.journey_name(name)
    kept, seen = json.loads(file.read_text()), journeys.normalise(search)
    assert journeys.without_times(seen) == journeys.without_times(kept), REMEDY


# The plain test command tests only these steps. `-m lab` tests the others.
SOME = ("3", "5", "7", "final")


@pytest.mark.slow(8)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in SOME else [pytest.mark.lab])
        for name in STORIES
    ],
)
def test_the_map_shows_how_far_a_search_gets(run_mapped, open_map, visit, name):
    state, verdict, (stage, evidence) = STORIES[name]
    running = run_mapped(name)
    page = open_map(running)
    visit(running, QUESTION)
    button = page.locator("#list button")
    expect(button).to_contain_text(QUESTION)
    expect(button.locator(".state")).to_contain_text(state, timeout=20_000)
    if verdict:
        expect(page.locator("#verdict")).to_contain_text(verdict)
        expect(page.locator("#verdict")).to_contain_text(
            f"In step {name}, a search stops here"
        )
    else:
        expect(page.locator("#verdict")).to_be_hidden()
    expect(page.locator(f"#station-{stage}")).to_contain_text(evidence)
    # The parts that later steps add are faint, as on the site.
    number = running.live.state.step.number
    ahead = page.locator(".flow-wide a.station.is-ahead")
    expect(ahead).to_have_count(max(0, 7 - number))
    # The map cannot see what the browser shows, and says so at station 7.
    unobserved = page.locator("#station-7 .is-unobserved")
    expect(unobserved).to_have_count(1 if number >= 6 else 0)
    if number <= 7:
        check_recorded(name, journeys.settled(running.live))


@pytest.mark.slow(8)
def test_each_station_shows_its_hops(run_mapped, open_map, visit):
    running = run_mapped("7")
    page = open_map(running)
    visit(running, QUESTION)
    expect(page.locator("#list .state")).to_contain_text("arrived", timeout=20_000)
    page.evaluate(
        "document.querySelectorAll('details').forEach(one => one.open = true)"
    )
    for stage, *evidence in (
        (1, "query", QUESTION),
        (2, "302", "took"),
        (3, "search.tasks.fetch_openai_results_task", "search/views.py:"),
        (4, "gpt-", "took", "SearchResult", "answer"),
        (5, "search_completed", "user_", "1 socket in 1 process"),
        (6, "SearchConsumer", '"answer":', "search/consumers.py:"),
    ):
        for words in evidence:
            expect(page.locator(f"#station-{stage}")).to_contain_text(words)
    rows = page.locator("#waterfall .row")
    waits = rows.filter(has_text="waits for the API")
    expect(waits).to_contain_text(re.compile(r"\d m?s"))
    expect(rows.filter(has_text="in the queue")).to_have_count(1)
    expect(page.locator("#processes")).to_contain_text("web running")
    expect(page.locator("#processes")).to_contain_text("worker running")
    expect(page.locator("#redis")).to_contain_text(re.compile(r"user_\d+ 1 process, 1"))
    log = page.locator("#log p")
    expect(log.filter(has_text="Search 1: arrived")).to_have_count(1)


@pytest.mark.slow(8)
def test_in_eager_mode_a_bar_shows_how_long_the_task_takes(run_mapped, open_map, visit):
    running = run_mapped("2")
    page = open_map(running)
    visit(running, QUESTION)
    expect(page.locator("#list .state")).to_contain_text("ends at", timeout=20_000)
    row = page.locator("#waterfall .row").filter(has_text="view runs the task")
    expect(row).to_contain_text(re.compile(r"task3\.\d s"))


@pytest.mark.lab
@pytest.mark.slow(8)
def test_an_api_error_is_shown_at_the_worker_station(run_mapped, open_map, visit):
    running = run_mapped("7")
    page = open_map(running)
    visit(running, "simulate: rate limit")
    state = page.locator("#list .state")
    expect(state).to_contain_text(re.compile("failed|arrived"), timeout=20_000)
    expect(page.locator("#station-4")).to_contain_text("The API: RateLimitError")


@pytest.mark.lab
@pytest.mark.slow(12)
def test_for_final_the_map_shows_chunks_and_a_retry_and_a_cancelled_search(
    run_mapped, open_map, visit
):
    running = run_mapped("final", environment={"SEARCHES_PER_MINUTE": "100"})
    page = open_map(running)
    project = visit(running, QUESTION)
    running.wait_for("arrived", number=1)
    hops = {hop["kind"]: hop for hop in running.searches()[0]["hops"]}
    assert hops["frame"]["count"] > 3, "the chunks are counted in one hop"
    visit(running, "simulate: no end", project)
    running.wait_for("travelling", "waiting", number=2)
    project.get_by_role("button", name="Cancel").first.click()
    expect(page.locator("#list .state").first).to_have_text("cancelled")
    visit(running, "simulate: hiccup", project)
    search = running.wait_for("arrived", "failed", number=3, seconds=40)
    asked = [hop["text"] for hop in search["hops"] if hop["kind"] == "asked"]
    assert len(asked) == 2, search
    assert "again" in asked[1]
