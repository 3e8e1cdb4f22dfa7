"""A new secret key does not sign anyone out. A new password ends the other sessions."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils.timezone import now

from search.sessions import SessionStore

pytestmark = pytest.mark.django_db


def page_of(client):
    """Return a new page of the browser `client`, with a copy of its current cookies."""
    page = Client()
    page.cookies.load({name: cookie.value for name, cookie in client.cookies.items()})
    return page


def user_of(page):
    return page.get("/", headers={"Accept": "application/json"}).json()["user"]


@pytest.fixture
def pages(client, user, settings):
    """Return three pages that a browser opened before the secret key changed."""
    client.force_login(user)
    pages = [page_of(client) for _ in range(3)]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, " * 5
    return pages


def test_all_pages_stay_signed_in_after_a_change_of_the_secret_key(user, pages):
    assert [user_of(page) for page in pages] == [user.pk] * 3
    keys = {page.cookies["sessionid"].value for page in pages}
    assert len(keys) == 1  # all pages have the new session key
    user.refresh_from_db()
    assert now() - user.last_login < timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
def test_two_pages_at_the_same_moment_get_the_same_key(user, pages, monkeypatch):
    both_have_read, cycle_key = Barrier(2, timeout=10), SessionStore.cycle_key

    def wait_and_cycle_key(session):
        both_have_read.wait()
        cycle_key(session)

    def request(page):
        try:
            return user_of(page)
        finally:
            connection.close()

    monkeypatch.setattr(SessionStore, "cycle_key", wait_and_cycle_key)
    with ThreadPoolExecutor() as threads:
        assert list(threads.map(request, pages[:2])) == [user.pk] * 2
    assert pages[0].cookies["sessionid"].value == pages[1].cookies["sessionid"].value
    assert Session.objects.count() == 2  # with the earlier key and the new key


def test_a_page_that_still_has_the_earlier_key_stays_signed_in(user, pages):
    SessionStore(pages[0].cookies["sessionid"].value).cycle_key()
    assert user_of(pages[1]) == user.pk
    assert Session.objects.count() == 2


def test_a_logout_while_the_key_changes_is_not_undone(pages, monkeypatch):
    cycle_key = SessionStore.cycle_key

    def log_out_and_cycle_key(session):
        Session.objects.all().delete()
        cycle_key(session)

    monkeypatch.setattr(SessionStore, "cycle_key", log_out_and_cycle_key)
    user_of(pages[0])
    assert user_of(pages[0]) is None


def test_a_logout_ends_the_earlier_key_as_well(user, pages):
    first, second, third = pages
    assert user_of(first) == user.pk
    first.post("/accounts/logout/")
    assert [user_of(page) for page in (first, second, third)] == [None] * 3


def test_a_logout_with_the_earlier_key_ends_both_keys(user, pages):
    first, second, third = pages
    assert user_of(first) == user.pk
    second.post("/accounts/logout/")
    assert [user_of(page) for page in (first, second, third)] == [None] * 3


def test_a_logout_right_after_a_change_of_the_secret_key_ends_the_session(pages):
    first, second, _ = pages
    first.post("/accounts/logout/")
    assert user_of(second) is None


def test_a_changed_password_ends_the_earlier_key_as_well(user, pages):
    first, thief, _ = pages
    assert user_of(first) == user.pk
    change_password(first)
    assert user_of(first) == user.pk
    assert user_of(thief) is None


def test_a_changed_password_ends_the_sessions_of_other_browsers(client, user):
    client.force_login(user)
    thief = page_of(client)
    change_password(client)
    assert user_of(client) == user.pk
    assert user_of(thief) is None


def change_password(page):
    fields = {"old_password": "Lovelace-1", "new_password1": "Byron-1815"}
    fields["new_password2"] = fields["new_password1"]
    assert page.post("/accounts/password_change/", fields).status_code == 302


def test_a_login_gives_the_session_a_new_key(client, user):
    client.post("/", {"query": "Why?"})
    guest = page_of(client)
    before = client.session.session_key
    client.post("/accounts/login/", {"username": "ada", "password": "Lovelace-1"})
    assert user_of(client) == user.pk
    assert client.session.session_key != before
    assert user_of(guest) is None
