"""Fixtures of the quick tests: a user, a search, and a channel layer without Redis."""

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.db import connection

from search.models import SearchResult


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory):
    # Use a file, because two threads block each other if the database is in memory.
    if connection.vendor == "sqlite":
        path = tmp_path_factory.mktemp("database") / "db.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(path)


@pytest.fixture
def user(db):
    # Create a different user first, so that the tests fail if an id of 1 is hard-coded.
    get_user_model().objects.create_user(username="somebody")
    return get_user_model().objects.create_user(username="ada", password="Lovelace-1")


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def search(user):
    return SearchResult.objects.create(user=user, query="Why?")


@pytest.fixture(autouse=True)
def channel_layer_in_memory(settings):
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    }


@pytest.fixture
def layer(channel_layer_in_memory):
    return get_channel_layer()


@pytest.fixture
def sent(monkeypatch):
    """Return a list of the messages to the broker: their arguments and ids."""
    messages = []
    # Call `send` at once: a test runs in a transaction that is never committed.
    monkeypatch.setattr("search.views.transaction.on_commit", lambda send: send())

    def apply_async(**options):
        messages.append(options)

    monkeypatch.setattr(
        "search.tasks.fetch_openai_results_task.apply_async", apply_async
    )
    return messages
