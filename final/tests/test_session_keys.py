"""Another secret key signs nobody out; another password ends the other sessions."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import now

pytestmark = pytest.mark.django_db


def page_of(client):
    """Another open page of the same browser, with the cookies that it has now."""
    page = Client()
    page.cookies.load({name: cookie.value for name, cookie in client.cookies.items()})
    return page


def user_of(page):
    return page.get("/", headers={"Accept": "application/json"}).json()["user"]


@pytest.fixture
def pages(client, user, settings):
    """Three pages of one browser. The secret key has changed since they were opened."""
    client.force_login(user)
    pages = [page_of(client) for _ in range(3)]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, " * 5
    return pages


def test_all_pages_stay_signed_in(user, pages):
    assert [user_of(page) for page in pages] == [user.pk] * 3
    keys = {page.cookies["sessionid"].value for page in pages}
    assert len(keys) == 1  # all of them have got the new one
    user.refresh_from_db()
    assert now() - user.last_login < timedelta(minutes=1)


def test_a_log_out_ends_the_earlier_key_as_well(user, pages):
    first, second, third = pages
    assert user_of(first) == user.pk
    first.post("/accounts/logout/")
    assert [user_of(page) for page in (first, second, third)] == [None] * 3


def test_a_log_out_with_the_earlier_key_ends_both(user, pages):
    first, second, third = pages
    assert user_of(first) == user.pk
    second.post("/accounts/logout/")
    assert [user_of(page) for page in (first, second, third)] == [None] * 3


def test_a_log_out_as_the_first_request_ends_the_session(pages):
    first, second, _ = pages
    first.post("/accounts/logout/")
    assert user_of(second) is None


def test_a_changed_password_ends_the_earlier_key_as_well(user, pages):
    first, thief, _ = pages
    assert user_of(first) == user.pk
    change_password(first)
    assert user_of(first) == user.pk
    assert user_of(thief) is None


def test_a_changed_password_ends_the_sessions_of_others(client, user):
    client.force_login(user)
    thief = page_of(client)
    change_password(client)
    assert user_of(client) == user.pk
    assert user_of(thief) is None


def change_password(page):
    fields = {"old_password": "Lovelace-1", "new_password1": "Byron-1815"}
    fields["new_password2"] = fields["new_password1"]
    assert page.post("/accounts/password_change/", fields).status_code == 302


def test_a_log_in_gives_the_session_another_key(client, user):
    client.post("/", {"query": "Why?"})
    guest = page_of(client)
    before = client.session.session_key
    client.post("/accounts/login/", {"username": "ada", "password": "Lovelace-1"})
    assert user_of(client) == user.pk
    assert client.session.session_key != before
    assert user_of(guest) is None
