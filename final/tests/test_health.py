import re
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils.timezone import now

from search.models import SearchResult

pytestmark = pytest.mark.django_db


def test_the_liveness_check_does_not_query_the_database(
    client, django_assert_num_queries
):
    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200


def test_a_process_is_ready_if_the_database_works(client, django_assert_num_queries):
    with django_assert_num_queries(1, connection=connection):
        response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"database": "ok"}


def test_a_process_is_not_ready_if_the_database_fails(client, monkeypatch):
    def fail():
        raise OperationalError("postgres://search:password@host")

    monkeypatch.setattr("search.health.connection.cursor", fail)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"database": "OperationalError"}


def test_the_metrics_show_the_number_and_age_of_waiting_searches(
    client, search, settings
):
    settings.DEBUG = True
    SearchResult.objects.update(created_at=now() - timedelta(seconds=100))
    text = client.get("/metrics").text
    assert 'search_unfinished{status="pending"} 1.0' in text
    assert 'search_unfinished{status="running"} 0.0' in text
    [age] = re.findall(r'search_oldest_seconds{status="pending"} (.*)', text)
    assert 100 <= float(age) < 200
    assert 'search_oldest_seconds{status="running"} 0.0' in text
    assert "search_sockets" in text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_monitoring_request_creates_no_guest(client, user, path):
    response = client.get(path)
    assert not response.cookies
    assert client.post(path).status_code == 405


@pytest.fixture
def metrics(client, settings):
    """Return a function that requests /metrics with an Authorization header.

    It returns the status of the response.
    """
    settings.DEBUG, settings.METRICS_TOKEN = False, "a-token"

    def status(authorization=""):
        headers = {"Authorization": authorization} if authorization else {}
        return client.get("/metrics", headers=headers).status_code

    return status


def test_the_metrics_require_the_token(metrics, settings):
    for wrong in ("", "a-token", "Bearer other", "Bearer ", "Bearer \xe9"):
        assert metrics(wrong) == 404
    assert metrics("Bearer a-token") == 200
    settings.METRICS_TOKEN = ""
    assert metrics("Bearer ") == 404
