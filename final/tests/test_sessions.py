"""Another secret key signs nobody out; another password ends the other sessions."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
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


def test_two_pages_stay_signed_in_when_the_secret_key_changes(client, user, settings):
    client.force_login(user)
    pages = [page_of(client) for _ in range(3)]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, " * 5
    assert [user_of(page) for page in pages] == [user.pk] * 3
    # The earlier key of the session, which the first page has replaced, ends soon.
    earlier = Session.objects.get(session_key=client.session.session_key)
    assert earlier.expire_date - now() < timedelta(minutes=2)


def test_a_changed_password_ends_the_sessions_of_others(client, user):
    client.force_login(user)
    thief = page_of(client)
    response = client.post(
        "/accounts/password/",
        {
            "old_password": "Lovelace-1",
            "new_password1": "Byron-1815",
            "new_password2": "Byron-1815",
        },
    )
    assert response.status_code == 302
    assert user_of(client) == user.pk
    assert user_of(thief) is None


def test_a_log_in_gives_the_session_another_key(client, user):
    client.post("/", {"query": "Why?"})
    guest = page_of(client)
    before = client.session.session_key
    client.post("/accounts/login/", {"username": "ada", "password": "Lovelace-1"})
    assert user_of(client) == user.pk
    assert client.session.session_key != before
    assert user_of(guest) is None
