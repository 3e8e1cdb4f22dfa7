from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils.timezone import now

from search.models import SearchResult

pytestmark = pytest.mark.django_db


def test_expired_guests_are_deleted_and_accounts_stay(client, user, settings):
    users = get_user_model().objects
    client.get("/")
    lost = users.latest("pk")
    client.cookies.clear()
    client.get("/")
    present = users.latest("pk")
    expired = now() - timedelta(seconds=settings.SESSION_COOKIE_AGE + 1)
    users.filter(pk__in=[lost.pk, user.pk]).update(last_login=expired)
    for owner in (lost, present, user):
        SearchResult.objects.create(user=owner, query="Why?")

    out = StringIO()
    call_command("clear_guests", stdout=out)

    assert out.getvalue() == "guests deleted: 1\n"
    assert not users.filter(pk=lost.pk).exists()
    assert {result.user for result in SearchResult.objects.all()} == {present, user}
