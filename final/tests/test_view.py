import re
import uuid

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import InternalError, OperationalError
from django.test import Client
from django.urls import reverse
from kombu.exceptions import OperationalError as BrokerError

from search.models import SearchResult, Status
from search.views import start

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}


def test_a_question_starts_a_search(client, user, sent):
    client.force_login(user)
    response = client.post("/", {"query": "What is a view?"}, follow=True)
    search = SearchResult.objects.get()
    assert (search.user, search.query, search.status) == (
        user,
        "What is a view?",
        Status.PENDING,
    )
    assert sent == [
        {
            "kwargs": {"query": "What is a view?", "user_id": user.id},
            "task_id": str(search.task_id),
        }
    ]
    assert response.redirect_chain == [(reverse("openai_index"), 302)]
    assert "Search has started!" in response.text


def test_the_script_gets_the_search_as_json(client, user, sent):
    client.force_login(user)
    response = client.post("/", {"query": "Why?"}, headers=JSON)
    assert response.status_code == 202
    data = response.json()
    assert data["search"] == SearchResult.objects.get().state()
    assert data["user"] == user.id
    assert uuid.UUID(data["next_task_id"]) != uuid.UUID(data["search"]["task_id"])


@pytest.mark.parametrize("query", ["", "   ", "x" * 201, "a\x07b"])
@pytest.mark.parametrize("headers", [{}, JSON])
def test_an_invalid_question_starts_no_search(client, sent, query, headers):
    response = client.post("/", {"query": query}, headers=headers)
    assert response.status_code == 400
    assert ("error" if headers else "errorlist") in response.text
    assert (sent, SearchResult.objects.count()) == ([], 0)


def test_a_post_without_the_field_is_rejected(client, sent):
    assert client.post("/").status_code == 400
    assert sent == []


def test_a_form_that_is_sent_twice_starts_one_search(client, sent):
    client.get("/")
    form = {"query": "Why?", "task_id": uuid.uuid4()}
    answers = [client.post("/", form, headers=JSON) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert SearchResult.objects.count() == len(sent) == 1


def test_a_used_form_cannot_send_another_question(client, sent):
    client.get("/")
    form = {"query": "Why?", "task_id": uuid.uuid4()}
    client.post("/", form)
    response = client.post("/", form | {"query": "Why not?"}, headers=JSON)
    assert response.status_code == 409
    assert SearchResult.objects.get().query == "Why?"


def test_if_retry_is_pressed_twice_the_notice_says_already_asked(
    client, user, search, sent
):
    client.force_login(user)
    form = {"query": search.query, "task_id": search.retry_id}
    assert "started" in client.post("/", form, headers=JSON).json()["notice"]
    SearchResult.objects.filter(task_id=search.retry_id).update(status=Status.FAILED)
    assert "already asked" in client.post("/", form, headers=JSON).json()["notice"]


@pytest.mark.django_db(transaction=True)
def test_a_deleted_guest_starts_no_search():
    gone = get_user_model()(pk=999_999)
    assert start(gone, uuid.uuid4(), "Why?") == (None, 0)


def test_a_deleted_search_cannot_be_cancelled(client, user, search, monkeypatch):
    client.force_login(user)

    def vanish(search):
        raise SearchResult.DoesNotExist

    monkeypatch.setattr(SearchResult, "cancel", vanish)
    address = reverse("cancel", args=[search.task_id])
    assert client.post(address).status_code == 404


@pytest.mark.parametrize("headers", [{}, JSON])
def test_a_form_from_before_a_login_is_rejected_with_a_message(user, headers):
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    response = client.post("/", {"query": "Why?"}, headers=headers)
    assert response.status_code == 403
    assert ("Load the page again" in response.text) == bool(headers)


@pytest.mark.parametrize(
    ("method", "address", "headers"),
    [
        ("get", "/", {}),
        ("get", "/?page=2", {}),
        ("head", "/", {}),
        ("get", "/", JSON),
        ("get", f"/?waiting={uuid.UUID(int=1)}", JSON),
        ("get", "/accounts/login/", {}),
        ("get", "/accounts/sign-up/", {}),
        ("get", "/nowhere", {}),
        ("post", "/", {}),  # without a question
    ],
)
def test_a_crawler_creates_no_rows(client, method, address, headers):
    getattr(client, method)(address, headers=headers)
    assert not get_user_model().objects.exists()
    assert not Session.objects.exists()


def test_the_page_of_a_new_guest_can_send_its_form_twice(sent):
    """The CSRF token stays valid, although the first question signs the guest in."""
    client = Client(enforce_csrf_checks=True)
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', client.get("/").text)[1]
    for _ in range(2):
        form = {"query": "Why?", "csrfmiddlewaretoken": token}
        assert client.post("/", form, headers=JSON).status_code == 202
    assert get_user_model().objects.count() == 1


@pytest.mark.parametrize("headers", [{}, JSON])
def test_a_rejected_form_can_be_sent_again_with_its_new_id(client, sent, headers):
    form = {"query": "Why?", "task_id": uuid.uuid4()}
    client.post("/", form)
    refused = client.post("/", form | {"query": "Why not?"}, headers=headers)
    assert refused.status_code == 409
    if headers:
        task_id = refused.json()["next_task_id"]
    else:
        task_id = re.search(r'"task_id" value="([\w-]+)"', refused.text)[1]
    form = {"query": "Why not?", "task_id": task_id}
    assert client.post("/", form, headers=headers).status_code in (202, 302)
    assert SearchResult.objects.count() == 2


def test_the_search_of_another_user_is_not_shown(client, search, sent):
    form = {"query": search.query, "task_id": search.task_id}
    response = client.post("/", form, headers=JSON)
    assert response.status_code == 409
    assert set(response.json()) == {"error", "next_task_id"}
    assert sent == []


def test_a_failed_search_can_be_retried_once(client, user, search, sent):
    search.status, search.error = Status.FAILED, "The API gave no answer."
    search.save()
    client.force_login(user)
    assert str(search.retry_id) in client.get("/").text
    for _ in range(2):
        client.post("/", {"query": search.query, "task_id": search.retry_id})
    assert [message["task_id"] for message in sent] == [str(search.retry_id)]


def test_a_search_is_saved_even_if_the_broker_is_down(client, monkeypatch, caplog):
    def fail(**options):
        raise BrokerError("Error 111 connecting to redis:password@host")

    monkeypatch.setattr("search.tasks.fetch_openai_results_task.apply_async", fail)
    assert client.post("/", {"query": "Why?"}, headers=JSON).status_code == 202
    assert SearchResult.objects.get().status == Status.PENDING


def test_too_many_questions_in_a_minute_are_rejected(client, user, sent, settings):
    settings.SEARCHES_PER_MINUTE = 3
    client.force_login(user)
    answers = [client.post("/", {"query": "Why?"}, headers=JSON) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert 50 < int(answers[-1]["Retry-After"]) <= 60
    assert "Try again in" in answers[-1].json()["error"]
    assert len(sent) == 3


def test_a_form_sent_twice_counts_once_towards_the_limit(client, user, sent, settings):
    settings.SEARCHES_PER_MINUTE = 1
    client.force_login(user)
    form = {"query": "Why?", "task_id": uuid.uuid4()}
    answers = [client.post("/", form, headers=JSON) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert len(sent) == 1


def test_each_user_has_a_separate_limit(client, user, search, sent, settings):
    settings.SEARCHES_PER_MINUTE = 1
    assert client.post("/", {"query": "Why?"}, headers=JSON).status_code == 202


def test_only_the_owner_of_a_search_can_cancel_it(client, user, search):
    address = reverse("cancel", args=[search.task_id])
    assert client.post(address).status_code == 404
    client.get("/")
    assert client.post(address).status_code == 404
    client.force_login(user)
    assert client.get(address).status_code == 405
    assert client.post(address, headers=JSON).json()["search"]["status"] == "cancelled"
    search.refresh_from_db()
    assert search.status == Status.CANCELLED


def refuse_to_start(user):
    raise OperationalError("database is locked")


def end_the_transaction(user):
    raise InternalError("terminating connection due to idle-in-transaction timeout")


def refuse_to_update(self, force_insert=False, **options):
    if not force_insert:  # the view inserts the session; each later save() updates it
        raise OperationalError("database is locked")
    self.save_base(force_insert=True)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("search.views.seconds_to_wait", refuse_to_start),
        ("search.views.seconds_to_wait", end_the_transaction),
        ("django.contrib.sessions.models.Session.save", refuse_to_update),
    ],
    ids=["in the view", "in a transaction that was frozen", "after the view"],
)
def test_an_unavailable_database_is_reported(sent, monkeypatch, name, function):
    client = Client(raise_request_exception=False)
    client.get("/")
    monkeypatch.setattr(name, function)
    for headers in ({}, JSON):
        response = client.post("/", {"query": "Why?"}, headers=headers)
        assert response.status_code == 503
        assert response["Retry-After"] == "5"
        assert "Try again in a few seconds" in response.text


def test_an_unexpected_error_gives_a_plain_500_response(sent, monkeypatch):
    client = Client(raise_request_exception=False)
    monkeypatch.setattr("search.views.seconds_to_wait", lambda user: 1 / 0)
    response = client.post("/", {"query": "Why?"})
    assert response.status_code == 500
    assert "Server Error (500)" in response.text


def test_every_visitor_is_a_separate_guest(client, sent, django_user_model):
    for visitor in (client, client, Client()):
        visitor.post("/", {"query": "Why?"})
    guests = django_user_model.objects.all()
    assert len(guests) == 2
    assert not any(guest.has_usable_password() for guest in guests)


def make_results(user, count):
    for number in range(count):
        SearchResult.objects.create(user=user, query=f"Question {number:02}")


def test_the_page_lists_only_the_results_of_its_user(client, user):
    other = get_user_model().objects.create_user(username="grace")
    for owner in (user, other):
        SearchResult.objects.create(
            user=owner,
            query=f"Asked by {owner.username}",
            answer="<script>alert(1)</script>",
        )
    client.force_login(user)
    text = client.get("/").text
    assert "Asked by ada" in text
    assert "Asked by grace" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert(1)" not in text


def test_the_page_lists_the_twenty_newest_results_newest_first(client, user):
    make_results(user, 21)
    client.force_login(user)
    listed = re.findall(r"<h3>(Question \d\d)", client.get("/").text)
    assert listed == [f"Question {number:02}" for number in range(20, 0, -1)]
    older = re.findall(r"<h3>(Question \d\d)", client.get("/?page=2").text)
    assert older == ["Question 00"]


def test_a_snapshot_contains_the_searches_of_the_page(client, user):
    make_results(user, 21)
    client.force_login(user)
    snapshot = client.get("/", headers=JSON).json()
    assert snapshot["user"] == user.id
    assert [search["query"] for search in snapshot["searches"]] == [
        f"Question {number:02}" for number in range(20, 0, -1)
    ]


def test_a_snapshot_also_contains_the_searches_that_the_page_waits_for(client, user):
    make_results(user, 22)
    newest, *_, oldest = user.search_results.all()
    foreign = SearchResult.objects.create(
        user=get_user_model().objects.create_user("eve"), query="Mine?"
    )
    client.force_login(user)
    waiting = {"waiting": [newest.task_id, oldest.task_id, foreign.task_id]}
    searches = client.get("/", waiting, headers=JSON).json()["searches"]
    assert len(searches) == 21
    assert searches[-1]["task_id"] == str(oldest.task_id)


def test_an_invalid_request_for_a_snapshot_is_rejected(client):
    response = client.get("/?waiting=nonsense", headers=JSON)
    assert response.status_code == 400
    assert "waiting" in response.json()["error"]
