from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.http import HttpRequest
from django.utils.timezone import now

from search.guests import sign_in_as_guest
from search.models import SearchResult

pytestmark = pytest.mark.django_db


def make_guest():
    request = HttpRequest()
    request.session = SessionStore()
    return sign_in_as_guest(request)


def test_expired_guests_are_deleted_but_accounts_are_kept(user, settings):
    users = get_user_model().objects
    lost, present = make_guest(), make_guest()
    expired = now() - timedelta(seconds=settings.SESSION_COOKIE_AGE + 1)
    users.filter(pk__in=[lost.pk, user.pk]).update(last_login=expired)
    for owner in (lost, present, user):
        SearchResult.objects.create(user=owner, query="Why?")

    out = StringIO()
    call_command("clear_guests", stdout=out)

    assert out.getvalue() == "guests deleted: 1\n"
    assert not users.filter(pk=lost.pk).exists()
    assert {result.user for result in SearchResult.objects.all()} == {present, user}


def test_an_expired_guest_who_was_never_signed_in_is_deleted(settings):
    """A new guest is not signed in if the database fails before the sign-in."""
    users = get_user_model().objects
    lost, recent = make_guest(), make_guest()
    expired = now() - timedelta(seconds=settings.SESSION_COOKIE_AGE + 1)
    users.update(last_login=None)
    users.filter(pk=lost.pk).update(date_joined=expired)
    call_command("clear_guests", stdout=StringIO())
    assert list(users.all()) == [recent]


def test_many_guests_are_deleted_in_batches_and_without_redis(settings, monkeypatch):
    def fail(*arguments):
        raise ConnectionError("Redis is down")

    monkeypatch.setattr("search.management.commands.clear_guests.BATCH", 2)
    monkeypatch.setattr("search.handlers.async_to_sync", fail)
    users = get_user_model().objects
    for _ in range(5):
        make_guest()
    expired = now() - timedelta(seconds=settings.SESSION_COOKIE_AGE + 1)
    users.update(last_login=expired)
    out = StringIO()
    call_command("clear_guests", stdout=out)
    assert out.getvalue() == "guests deleted: 5\n"
    assert not users.exists()
