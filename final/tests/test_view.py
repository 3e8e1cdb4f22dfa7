import re
import uuid
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from search.models import SearchResult

pytestmark = pytest.mark.django_db


@pytest.fixture
def delay():
    """The task's .delay(), which then needs no broker."""
    with patch("search.views.fetch_openai_results_task.delay") as delay:
        delay.return_value.id = "0f3c9a52-0000-0000-0000-000000000000"
        yield delay


def test_a_question_starts_a_search(client, user, delay):
    client.force_login(user)
    response = client.post("/", {"query": "What is a view?"}, follow=True)
    delay.assert_called_once_with(query="What is a view?", user_id=user.id)
    assert response.redirect_chain == [(reverse("openai_index"), 302)]
    assert "Search has started!" in response.text


@pytest.mark.parametrize("query", ["", "   ", "x" * 201, "a\x07b"])
def test_what_is_no_question_starts_nothing(client, delay, query):
    response = client.post("/", {"query": query})
    assert response.status_code == 400
    assert "errorlist" in response.text
    delay.assert_not_called()


def test_a_post_without_the_field_is_refused(client, delay):
    assert client.post("/").status_code == 400
    delay.assert_not_called()


def test_every_visitor_is_a_guest_of_their_own(client, django_user_model):
    from django.test import Client

    client.get("/")
    client.get("/")
    Client().get("/")
    guests = django_user_model.objects.all()
    assert len(guests) == 2
    assert not any(guest.has_usable_password() for guest in guests)


def test_the_page_lists_the_results_of_its_user_alone(client, user):
    other = get_user_model().objects.create_user(username="grace")
    for number, owner in enumerate([user, other]):
        SearchResult.objects.create(
            user=owner,
            task_id=f"00000000-0000-0000-0000-00000000000{number}",
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
    for number in range(21):
        SearchResult.objects.create(
            user=user, task_id=uuid.UUID(int=number), query=f"Question {number:02}"
        )
    client.force_login(user)
    listed = re.findall(r"Question \d\d", client.get("/").text)
    assert listed == [f"Question {number:02}" for number in range(20, 0, -1)]


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(client, method):
    assert getattr(client, method)("/").status_code == 405
