"""The states of a search: which changes succeed, and which ones are too late."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.timezone import now

from search.models import LEASE, UNHEARD, SearchResult, SearchResultQuerySet, Status

ONE_SECOND = timedelta(seconds=1)


def take(search):
    return SearchResult.take(search.task_id, uuid.uuid4())


def age(search, by):
    SearchResult.objects.filter(pk=search.pk).update(updated_at=now() - by)


def test_only_one_of_two_workers_takes_a_search(search):
    first, second = take(search), take(search)
    assert first.status == Status.RUNNING
    assert second is None


@pytest.mark.parametrize("quicker", [take, SearchResult.cancel])
def test_a_search_that_changed_since_it_was_read_is_not_taken(
    search, monkeypatch, quicker
):
    change = SearchResultQuerySet.change

    def change_too_late(self, **fields):
        monkeypatch.setattr(SearchResultQuerySet, "change", change)
        assert quicker(search)
        return change(self, **fields)

    monkeypatch.setattr(SearchResultQuerySet, "change", change_too_late)
    assert take(search) is None


def test_the_same_attempt_may_claim_a_search_twice(search):
    """If the database connection breaks during a claim, the attempt claims again."""
    claim = uuid.uuid4()
    SearchResult.take(search.task_id, claim)
    assert SearchResult.take(search.task_id, claim).claims == 1


def test_a_dead_worker_cannot_save_a_search_that_another_worker_has_taken(search):
    dead = take(search)
    age(search, LEASE - ONE_SECOND)
    assert take(search) is None
    age(search, LEASE + ONE_SECOND)
    living = take(search)
    assert living.claims == 2

    dead.answer = "Too late."
    assert not dead.save_progress()
    assert not dead.finish()
    living.answer = "In time."
    assert living.save_progress()
    assert living.finish()
    search.refresh_from_db()
    assert (search.status, search.answer) == (Status.DONE, "In time.")


def test_a_search_that_has_ended_does_not_change(search):
    ours = take(search)
    assert ours.finish("No.")
    age(search, LEASE * 2)
    assert take(search) is None
    assert not search.cancel()
    search.refresh_from_db()
    assert (search.status, search.error) == (Status.FAILED, "No.")


def test_the_answer_of_a_cancelled_search_is_not_saved(search):
    ours = take(search)
    assert search.cancel()
    assert not ours.save_progress()
    assert not ours.finish()
    search.refresh_from_db()
    assert search.status == Status.CANCELLED


def test_a_later_change_has_a_higher_sequence_number(search):
    """It is also higher than the numbers of chunks that were sent but not saved."""
    numbers = [search.sequence]
    dead = take(search)
    numbers += [dead.sequence, dead.sequence + 9_999]
    age(search, LEASE * 2)
    living = take(search)
    numbers += [living.sequence, living.sequence + 9_999]
    search.cancel()
    numbers.append(search.sequence)
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("status", "silence", "is_overlooked"),
    [
        (Status.PENDING, UNHEARD - ONE_SECOND, False),
        (Status.PENDING, UNHEARD + ONE_SECOND, True),
        (Status.RUNNING, LEASE - ONE_SECOND, False),
        (Status.RUNNING, LEASE + ONE_SECOND, True),
        (Status.DONE, LEASE * 2, False),
        (Status.FAILED, LEASE * 2, False),
        (Status.CANCELLED, LEASE * 2, False),
    ],
)
def test_an_unfinished_search_counts_as_overlooked_if_unchanged_for_some_time(
    search, status, silence, is_overlooked
):
    SearchResult.objects.filter(pk=search.pk).update(status=status)
    age(search, silence)
    assert SearchResult.objects.overlooked().exists() == is_overlooked


def test_save_progress_reads_the_current_owner_of_the_search(search):
    """If a guest logs in, the search moves to the account while a worker runs it."""
    row = take(search)
    account = get_user_model().objects.create_user("grace")
    SearchResult.objects.filter(pk=search.pk).update(user=account)
    assert row.save_progress()
    assert row.user_id == account.pk


@pytest.mark.django_db(transaction=True)
def test_the_migration_marks_searches_of_step_7_as_ended():
    """If old searches were not marked as ended, the workers would run them again."""
    executor = MigrationExecutor(connection)
    executor.migrate([("search", "0001_initial")])
    old = executor.loader.project_state([("search", "0001_initial")]).apps
    user = old.get_model("auth", "User").objects.create(username="from step 7")
    for question, answer, error in (("Why?", "Because.", ""), ("How?", "", "No idea.")):
        old.get_model("search", "SearchResult").objects.create(
            user=user,
            query=question,
            answer=answer,
            error=error,
            task_id=str(uuid.uuid4()),
        )
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    states = dict(SearchResult.objects.values_list("query", "status"))
    assert states == {"Why?": Status.DONE, "How?": Status.FAILED}
    assert not SearchResult.objects.overlooked().exists()
