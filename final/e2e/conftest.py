"""The end-to-end test needs a running app and its address."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def running_app(base_url):
    if not base_url:
        pytest.fail("Start the app and pass its URL: --base-url http://127.0.0.1:8000")
