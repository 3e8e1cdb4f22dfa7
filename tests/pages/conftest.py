"""Fixtures for the tests that follow a page."""

import pytest


@pytest.fixture
def terminal(monkeypatch):
    """Remove pytest-django's variable, which no learner's terminal has."""
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
