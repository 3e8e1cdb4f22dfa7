"""Which requests get the same guest, and which ones get a new guest."""

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

from search import guests
from search.guests import sign_in_as_guest

pytestmark = pytest.mark.django_db

MOMENT = 1_000_000_059.5  # half a second before the next minute


@pytest.fixture
def sign_in(monkeypatch):
    """Return a function that signs in a guest, given a CSRF token and the time."""

    def sign_one_in(token, moment):
        monkeypatch.setattr(guests.time, "time", lambda: moment)
        request = RequestFactory().get("/")
        request.session = SessionStore()
        if token:
            request.META["CSRF_COOKIE"] = token
        return sign_in_as_guest(request)

    return sign_one_in


@pytest.mark.parametrize("later", [0, 1])
def test_two_requests_of_a_browser_at_the_same_moment_get_one_guest(sign_in, later):
    assert sign_in("token", MOMENT) == sign_in("token", MOMENT + later)


def test_a_csrf_token_does_not_identify_a_guest_after_two_minutes(sign_in):
    """Each page contains the token, and a visitor may save or share a page."""
    assert sign_in("token", MOMENT) != sign_in("token", MOMENT + 120)


@pytest.mark.parametrize("tokens", [("token", "other"), (None, None)])
def test_different_browsers_get_different_guests(sign_in, tokens):
    first, second = (sign_in(token, MOMENT) for token in tokens)
    assert first != second
