import pytest
from django.db import connection
from kombu.exceptions import OperationalError

from search import health

pytestmark = pytest.mark.django_db


@pytest.fixture
def all_well(monkeypatch):
    monkeypatch.setattr(health, "ask_redis", lambda: None)
    monkeypatch.setattr(health, "ask_worker", lambda: None)


def test_a_process_that_answers_is_alive(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200


def test_it_is_ready_where_everything_answers(client, all_well):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"database": "ok", "redis": "ok", "worker": "ok"}


@pytest.mark.parametrize("part", ["database", "redis", "worker"])
def test_it_is_not_ready_where_one_does_not(client, all_well, monkeypatch, part):
    def fail():
        raise OperationalError("redis://:password@host")

    monkeypatch.setattr(health, f"ask_{part}", fail)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()[part] == "OperationalError"
    assert "password" not in response.text


def test_the_database_is_really_asked(client, all_well, django_assert_num_queries):
    with django_assert_num_queries(1, connection=connection):
        client.get("/readyz")


def test_the_figures_tell_how_many_searches_wait(client, search):
    text = client.get("/metrics").text
    assert 'search_unfinished{status="pending"} 1.0' in text
    assert 'search_unfinished{status="running"} 0.0' in text
    assert "search_sockets" in text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_monitoring_request_creates_no_guest(client, all_well, user, path):
    response = client.get(path)
    assert not response.cookies
    assert client.post(path).status_code == 405
