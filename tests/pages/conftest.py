"""Fixtures for the tests that follow a page as a learner does."""

import pytest


@pytest.fixture
def terminal(monkeypatch):
    """Remove a variable that pytest-django sets, and that no learner's terminal has."""
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
