"""Check that a page is correct if messages are lost, repeated or out of order.

These tests belong to rows 5, 16 and 24 of the table of faults, which the command
`python3 -m tutorial test -m fault` prints.
"""

import itertools
import uuid

import msgpack
import pytest
import redis
from playwright.sync_api import expect

from support.app.database import change, insert_search
from support.app.page import (
    PATIENCE,
    ask,
    expect_state,
    expect_status,
    open_page,
    result,
)
from support.app.person import calls
from support.app.processes import frozen, without_redis
from support.app.start import channel_of
from tutorial.runtime.waiting import wait_until


@pytest.mark.fault(16, "the push fails after the answer was saved")
@pytest.mark.parametrize("outage", ["frozen", "gone"])
def test_a_page_shows_a_result_that_cannot_be_pushed(app, chromium, outage):
    site, question = app.site, f"Who asks while Redis is {outage}?"
    page = open_page(chromium.new_context(), site)
    before = len(app.log)
    ask(page, question)
    wait_until(lambda: calls(site, question), seconds=20, otherwise="no API call")
    with frozen(app.redis) if outage == "frozen" else without_redis(app):
        expect_status(page, question, "done")
        expect(result(page, question).locator(".answer")).to_contain_text("stand-in")
    assert calls(site, question) == 1
    assert any("not pushed" in line for _, line in app.log[before:])


class Pushed:
    """A search for which the test, not a worker, sends the messages to the page."""

    def __init__(self, site, page):
        self.id = str(uuid.uuid4())
        self.user = page.locator("body").get_attribute("data-user")
        self.client = redis.Redis.from_url(site.redis_url)

    def push(self, **data):
        """Publish this data in the Redis channel of the user's group."""
        event = {"type": "send_search_result", "data": {"task_id": self.id, **data}}
        assert self.client.publish(channel_of(self.user), msgpack.packb(event)) == 1

    def push_state(self, sequence, status, answer=""):
        self.push(
            sequence=sequence,
            status=status,
            status_text=status,
            query=f"Pushed {self.id}",
            answer=answer,
            error="",
            retry_id=str(uuid.uuid4()),
        )

    def push_chunk(self, sequence, chunk):
        self.push(sequence=sequence, chunk=chunk)


@pytest.mark.fault(24, "messages arrive out of order, repeated, and with gaps")
def test_a_page_is_correct_in_any_order_of_the_messages(shared_app, chromium):
    page = open_page(chromium.new_context(), shared_app.site)
    # These searches are not in the database, so the page's next poll would remove them.
    page.route(f"{shared_app.site.url}/?*", lambda route: route.abort())
    chunks = {2: "one ", 3: "two ", 4: "three"}
    orders = list(itertools.permutations(chunks))
    searches = [Pushed(shared_app.site, page) for _ in orders]
    for order, search in zip(orders, searches, strict=True):
        search.push_state(1, "running")
        for number in (*order, *order):
            search.push_chunk(number, chunks[number])
        search.push_state(1, "running")
    for search in searches:
        item = page.locator(f"#results [data-task-id='{search.id}']")
        expect(item.locator(".answer")).to_have_text("one two three")
    for search in searches:
        search.push_state(1_000_001, "running")  # another attempt begins
        search.push_chunk(4, "three")
        search.push_chunk(1_000_003, "end")
        search.push_chunk(1_000_002, "The ")
        search.push_state(5, "done", "one two three")
    for search in searches:
        item = page.locator(f"#results [data-task-id='{search.id}']")
        expect(item.locator(".answer")).to_have_text("The end")
    for search in searches:
        search.push_state(1_000_004, "done", "The end.")
        search.push_chunk(1_000_003, "end")
        search.push_chunk(1_000_005, " And more")
        search.push_state(1_000_001, "running")
    last = Pushed(shared_app.site, page)
    last.push_state(1, "done", "The last.")
    expect_status(page, last.id, "done")
    for search in searches:
        expect_status(page, search.id, "done")
        expect(result(page, search.id).locator(".answer")).to_have_text("The end.")
        expect(result(page, search.id)).to_have_count(1)


@pytest.mark.fault(5, "one pub/sub message is silently dropped")
def test_a_page_needs_no_message_to_show_the_end_of_an_older_search(
    shared_app, chromium
):
    """The search is visible on the page, but is too old to be part of a snapshot."""
    context = chromium.new_context()
    user = open_page(context, shared_app.site).locator("body")
    row = {"user_id": user.get_attribute("data-user"), "query": "The oldest?"}
    oldest = insert_search(shared_app, created_at="2000-01-01 00:00:00", **row)
    for _ in range(20):
        insert_search(shared_app, status="done", **row | {"query": "A newer one"})
    page = open_page(context, shared_app.site, "/?page=2")
    expect_status(page, "The oldest?", "running")
    change(
        shared_app,
        "UPDATE search_searchresult"
        " SET status = 'done', answer = 'At last', sequence = 9 WHERE task_id = ?",
        uuid.UUID(oldest).hex,
    )
    expect_status(page, "The oldest?", "done")
    expect(result(page, "The oldest?").locator(".answer")).to_have_text("At last")
    ask(page, "And what is new?")  # the page returns to the newest searches
    expect_status(page, "And what is new?", "done")


@pytest.mark.fault(24, "messages arrive out of order, repeated, and with gaps")
def test_a_page_requests_missing_messages(shared_app, chromium):
    page = open_page(chromium.new_context(), shared_app.site)
    search = Pushed(shared_app.site, page)
    row = {"user_id": search.user, "query": f"Pushed {search.id}"}
    search.id = insert_search(shared_app, sequence=4, answer="one two three", **row)
    search.push_state(1, "running")
    # The page also polls every five seconds. Wait for a poll, so that the next one does
    # not come too soon.
    with page.expect_response(f"{shared_app.site.url}/?*", timeout=PATIENCE):
        change(
            shared_app,
            "UPDATE search_searchresult SET answer = 'one ', sequence = 2"
            " WHERE user_id = ?",
            search.user,
        )
    answer = result(page, row["query"]).locator(".answer")
    expect(answer).to_have_text("one", timeout=PATIENCE)
    change(
        shared_app,
        "UPDATE search_searchresult SET answer = 'one two three', sequence = 4"
        " WHERE user_id = ?",
        search.user,
    )
    search.push_chunk(4, "three")  # the message with the number 3 is missing
    expect(answer).to_have_text("one two three", timeout=4_000)
    search.push_chunk(5, " four")
    expect(answer).to_have_text("one two three four")
    change(
        shared_app,
        "UPDATE search_searchresult SET status = 'done' WHERE user_id = ?",
        search.user,
    )
    expect_state(page, "Live")
