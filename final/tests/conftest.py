"""What the quick tests share: a user, and a channel layer without a Redis."""

import pytest
from django.contrib.auth import get_user_model


@pytest.fixture
def user(db):
    # Not the first: an id of 1 could be a constant that somebody wrote.
    get_user_model().objects.create_user(username="somebody")
    return get_user_model().objects.create_user(username="ada")


@pytest.fixture(autouse=True)
def channel_layer_in_memory(settings):
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    }
