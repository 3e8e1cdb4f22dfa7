"""A worker runs a search, from the claim to the announcement of the result."""

import asyncio
import math
import threading
import uuid
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from search import loop, rounds, tasks
from search.answers import NoAnswer
from search.models import MOST_CLAIMS, SearchResult, Status
from search.rounds import give_back, renew
from search.signals import search_completed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api(monkeypatch):
    """Return a function that sets the API's answers, one for each attempt.

    Each answer is a list of pieces. If a piece is an exception, the attempt raises it.
    """
    monkeypatch.setattr(tasks, "PUSH_EVERY", 0)
    monkeypatch.setattr(tasks, "MOST_PUSHES", math.inf)
    monkeypatch.setattr(tasks.random, "uniform", lambda low, high: 0)
    tries = []
    asked = []

    async def stream_answer(client, query):
        asked.append(query)
        for piece in tries.pop(0):
            if isinstance(piece, Exception):
                raise piece
            yield piece

    monkeypatch.setattr(tasks, "get_client", lambda number: None)
    monkeypatch.setattr(tasks, "stream_answer", stream_answer)

    def answer_with(*given):
        tries.extend(given)
        return asked

    return answer_with


@pytest.fixture
def announced():
    """Yield a list of the states of the searches that the signal announces."""
    heard = []

    def hear(sender, search_result, **kwargs):
        # An announced search must already be saved: a receiver may load it.
        saved = SearchResult.objects.get(pk=search_result.pk)
        heard.append((saved.status, saved.sequence, search_result.sequence))

    search_completed.connect(hear)
    yield heard
    search_completed.disconnect(hear)


def run(search):
    """Run the search, and return the data of all messages that it sent to the user."""
    name = f"user_{search.user_id}"

    async def do():
        layer = get_channel_layer()
        await layer.group_add(name, "page")
        await tasks.search(search.task_id)
        queue = layer.channels.get("page")
        while queue and not queue.empty():
            yield (await layer.receive("page"))["data"]

    async def collect():
        return [data async for data in do()]

    pushed = async_to_sync(collect)()
    search.refresh_from_db()
    return pushed


def test_an_answer_is_streamed_then_saved_and_announced(search, api, announced):
    asked = api(["Be", "cause."])
    pushed = run(search)
    assert asked == ["Why?"]
    assert (search.status, search.answer) == (Status.DONE, "Because.")
    assert announced == [(Status.DONE, search.sequence, search.sequence)]
    first, chunk, last = pushed
    assert (first["status"], first["answer"]) == (Status.RUNNING, "Be")
    assert chunk["chunk"] == "cause."
    assert last == search.state()
    # The numbers have no gaps, so a page notices a missing chunk.
    numbers = [data["sequence"] for data in pushed]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_an_answer_is_saved_only_after_it_has_grown_for_a_while(
    search, api, monkeypatch
):
    """The time before the first word does not count, because it can be long."""
    clock, saved = [0.0], []

    async def stream_answer(client, query):
        for seconds, piece in ((10, "Be"), (0, "cause"), (tasks.SAVE_EVERY, ".")):
            clock[0] += seconds
            yield piece

    def save_progress(row):
        saved.append(row.answer)
        return True

    monkeypatch.setattr(tasks, "stream_answer", stream_answer)
    monkeypatch.setattr(tasks, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(SearchResult, "save_progress", save_progress)
    run(search)
    # The last piece comes after a pause that is long enough for a save.
    assert saved == ["Because."]


def test_with_many_answers_each_is_sent_and_saved_less_often(search, monkeypatch):
    clock, saved = [100.0], []

    async def stream_answer(client, query):
        for number in range(1, 25):
            clock[0] += 0.25
            yield f"{number} "

    def save_progress(row):
        saved.append(row.answer.split()[-1])
        return True

    monkeypatch.setattr(tasks, "get_client", lambda number: None)
    monkeypatch.setattr(tasks, "stream_answer", stream_answer)
    monkeypatch.setattr(tasks, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(SearchResult, "save_progress", save_progress)
    monkeypatch.setattr(tasks, "running", dict.fromkeys(range(499)))
    pushed = run(search)
    chunks = [data["chunk"].split()[-1] for data in pushed if "chunk" in data]
    # With this one, there are 500 answers: each is sent every 0.5 seconds, and saved
    # every 2 seconds, counted from its first word.
    assert chunks == [str(number) for number in range(3, 24, 2)]
    assert saved == ["9", "17"]
    assert search.answer.split()[-1] == "24"


def test_a_temporary_failure_is_retried_from_the_start(search, api):
    asked = api(["Be", NoAnswer("Broken.", True)], ["Because."])
    pushed = run(search)
    assert (search.status, search.answer) == (Status.DONE, "Because.")
    assert len(asked) == 2
    # The text of the first attempt is removed.
    states = [data for data in pushed if data.get("status") == Status.RUNNING]
    assert [state["answer"] for state in states] == ["Be", "Because."]


def test_a_search_fails_after_its_last_attempt(search, api, announced):
    asked = api(*[[NoAnswer("Busy.", True)]] * tasks.MOST_TRIES)
    run(search)
    assert len(asked) == tasks.MOST_TRIES
    assert (search.status, search.error) == (Status.FAILED, "Busy.")
    assert announced


def test_a_permanent_failure_is_not_retried(search, api):
    asked = api([NoAnswer("No money.", False)])
    run(search)
    assert len(asked) == 1
    assert (search.status, search.error) == (Status.FAILED, "No money.")


def test_an_empty_answer_is_reported_as_a_failure(search, api):
    api([" "])
    run(search)
    assert (search.status, search.error) == (
        Status.FAILED,
        "The API gave an empty answer.",
    )


def test_an_unexpected_error_is_reported_without_its_text(search, api):
    api([ZeroDivisionError("secret")])
    run(search)
    assert search.status == Status.FAILED
    assert search.error == "Something went wrong on our side."


def test_a_client_that_cannot_be_created_is_a_permanent_failure(
    search, api, monkeypatch
):
    def fail(number):
        raise ImportError("socksio is missing for socks5://me:secret@proxy")

    asked = api(["Because."])
    monkeypatch.setattr(tasks, "get_client", fail)
    run(search)
    assert (asked, search.status) == ([], Status.FAILED)
    assert search.error == "The request to the API could not be sent (ImportError)."


def test_a_client_is_reused_for_the_next_searches(monkeypatch, settings):
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    settings.OPENAI_FIRST_WORD_SECONDS = 70
    tasks.get_client.cache_clear()
    client = tasks.get_client(0)
    assert client is tasks.get_client(0)
    assert (client.timeout.read, client.max_retries) == (70, 0)
    tasks.get_client.cache_clear()


def test_a_second_message_for_the_same_search_does_nothing(search, api, announced):
    asked = api(["Because."], ["Again."])
    run(search)
    run(search)
    assert len(asked) == len(announced) == 1


def test_a_search_that_keeps_killing_its_workers_fails(search, api):
    asked = api(["Because."])
    SearchResult.objects.update(claims=MOST_CLAIMS)
    run(search)
    assert asked == []
    assert search.status == Status.FAILED


@pytest.mark.parametrize(
    ("error", "has_traceback"),
    [(RedisConnectionError, False), (TimeoutError, False), (KeyError, True)],
)
def test_a_failed_push_does_not_make_the_search_fail(
    search, api, monkeypatch, caplog, error, has_traceback
):
    async def fail(*arguments):
        raise error

    api(["Be", "cause."])
    monkeypatch.setattr(tasks, "broadcast", fail)
    monkeypatch.setattr("search.handlers.broadcast", fail)
    monkeypatch.setattr(tasks, "silent_until", 0.0)
    assert run(search) == []
    assert (search.status, search.answer) == (Status.DONE, "Because.")
    told = [record for record in caplog.records if "not pushed" in record.message]
    assert len(told) == 2  # one log message during the answer, and one at the end
    for record in told:
        assert error.__name__ in record.message
        assert bool(record.exc_info) == has_traceback


def test_a_cancelled_search_is_not_announced(search, api, announced, monkeypatch):
    monkeypatch.setattr(tasks, "SAVE_EVERY", 0)
    api(["Be", "cause."])

    async def cancel(user_id, data):
        await loop.in_database(search.cancel)

    monkeypatch.setattr(tasks, "broadcast", cancel)
    monkeypatch.setattr(tasks, "silent_until", 0.0)
    run(search)
    assert (search.status, announced) == (Status.CANCELLED, [])


def test_a_search_that_is_cancelled_between_two_attempts_is_not_sent_again(
    search, api, announced, monkeypatch
):
    asked = api([NoAnswer("Busy.", True)], ["Because."])
    cancelling = []

    def cancel(low, high):
        """Replaces `random.uniform`: cancels the search during the pause."""
        cancelling.append(asyncio.create_task(loop.in_database(search.cancel)))
        return 0.01

    monkeypatch.setattr(tasks.random, "uniform", cancel)
    run(search)
    assert asked == ["Why?"]
    assert (search.status, announced) == (Status.CANCELLED, [])


def test_an_answer_that_cannot_be_saved_is_reported_as_a_failure(
    search, api, announced
):
    asked = api(["Half a character: \ud83d"])
    run(search)
    assert asked == ["Why?"]
    assert (search.status, search.answer) == (Status.FAILED, "")
    assert search.error == "Something went wrong on our side."
    assert len(announced) == 1


def test_a_search_is_announced_if_the_confirmation_of_its_last_save_is_lost(
    search, api, announced, monkeypatch
):
    api(["Because."])
    finish, saved = SearchResult.finish, []

    def finish_and_lose_the_first_confirmation(row, error=""):
        saved.append(finish(row, error))
        if len(saved) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return saved[-1]

    monkeypatch.setattr(SearchResult, "finish", finish_and_lose_the_first_confirmation)
    run(search)
    assert saved == [True, True]
    assert len(announced) == 1


def test_a_stopping_worker_does_not_cancel_a_search_that_has_just_been_saved(
    search, settings, monkeypatch
):
    """Otherwise, the search would not be announced."""
    settings.SEARCH_GRACE_SECONDS = 0
    saved = SearchResult.take(search.task_id, uuid.uuid4())
    other = search.user.search_results.create(query="And how?")
    unfinished = SearchResult.take(other.task_id, uuid.uuid4())
    saved.finish()
    monkeypatch.setattr(rounds, "is_stopping", threading.Event())

    async def stop():
        pages = {
            row.claim: asyncio.create_task(asyncio.Event().wait())
            for row in (saved, unfinished)
        }
        monkeypatch.setattr(rounds, "running", pages)
        monkeypatch.setattr(rounds, "begun", {"a future"})
        stopping = asyncio.create_task(rounds.give_back_the_rest())
        await asyncio.wait([pages[unfinished.claim]], timeout=20)
        is_cancelled = [
            bool(pages[row.claim].cancelling()) for row in (saved, unfinished)
        ]
        stopping.cancel()
        pages[saved.claim].cancel()
        return is_cancelled

    assert async_to_sync(stop)() == [False, True]


def test_a_claim_that_a_stopping_worker_releases_does_not_count_as_an_attempt(search):
    """The site may be deployed several times during a search."""
    for _ in range(MOST_CLAIMS + 1):
        row = SearchResult.take(search.task_id, uuid.uuid4())
        assert row.status == Status.RUNNING
        give_back({row.claim})
    search.refresh_from_db()
    assert (search.status, search.claims) == (Status.PENDING, 0)


@pytest.mark.parametrize(
    ("status", "is_ours"),
    [
        (Status.RUNNING, True),
        (Status.DONE, True),
        (Status.FAILED, True),
        (Status.CANCELLED, False),
        (Status.PENDING, False),
    ],
)
def test_a_worker_keeps_its_claim_on_a_search_that_has_just_ended(
    search, status, is_ours
):
    """The task must not be cancelled before it has announced the search."""
    row = SearchResult.take(search.task_id, uuid.uuid4())
    SearchResult.objects.filter(pk=row.pk).update(status=status)
    assert renew({row.claim}) == ({row.claim} if is_ours else set())


def test_a_search_stays_pending_if_the_worker_has_no_free_slot(search, monkeypatch):
    monkeypatch.setattr(loop, "slots", threading.BoundedSemaphore(1))
    loop.slots.acquire()
    assert not loop.begin(tasks.search, search.task_id, wait=False)
    search.refresh_from_db()
    assert search.status == Status.PENDING


def test_a_worker_that_is_stopping_starts_no_search(search, api, monkeypatch):
    asked = api(["Because."])
    stopping = threading.Event()
    stopping.set()
    monkeypatch.setattr(tasks, "is_stopping", stopping)
    run(search)
    assert (search.status, asked) == (Status.PENDING, [])
