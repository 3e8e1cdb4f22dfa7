from types import SimpleNamespace

import httpx2
import openai
import pytest

from search import tasks
from search.models import SearchResult
from search.signals import search_completed

TASK_ID = "0f3c9a52-5a5f-4b6e-9d3b-1f2e3d4c5b6a"


@pytest.fixture
def api(monkeypatch):
    """A client in the place of OpenAI's: set its answer, or the error it raises."""
    api = SimpleNamespace(output_text="An answer.", error=None, asked=[])

    def create(**options):
        api.asked.append(options)
        if api.error:
            raise api.error
        return api

    client = SimpleNamespace(responses=SimpleNamespace(create=create))
    monkeypatch.setattr(tasks, "get_client", lambda: client)
    return api


@pytest.fixture
def announced():
    """The search results that were announced by the signal."""
    heard = []

    def hear(sender, search_result, **kwargs):
        # What is announced is saved: whoever hears of it may look it up.
        heard.append(SearchResult.objects.get(pk=search_result.pk))

    search_completed.connect(hear)
    yield heard
    search_completed.disconnect(hear)


def run(user):
    task = tasks.fetch_openai_results_task
    return task.apply(kwargs={"query": "Why?", "user_id": user.id}, task_id=TASK_ID)


def test_an_answer_is_saved_and_announced(user, api, announced):
    assert run(user).successful()
    [result] = SearchResult.objects.all()
    assert (result.user, result.query) == (user, "Why?")
    assert (result.answer, result.error) == ("An answer.", "")
    assert str(result.task_id) == TASK_ID
    assert announced == [result]
    assert api.asked[0]["input"] == "Why?"


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (openai.APIConnectionError, "APIConnectionError"),
        (openai.APITimeoutError, "APITimeoutError"),
    ],
)
def test_an_error_of_the_api_is_saved_and_announced(user, api, announced, error, name):
    api.error = error(request=httpx2.Request("POST", "http://api.test/v1/responses"))
    assert run(user).successful()
    [result] = SearchResult.objects.all()
    assert result.answer == ""
    assert name in result.error
    assert announced == [result]


def test_the_text_of_an_error_is_not_shown(user, api):
    api.error = openai.OpenAIError("Incorrect API key provided: sk-secret")
    run(user)
    assert "sk-secret" not in SearchResult.objects.get().error


def test_an_empty_answer_is_told(user, api):
    api.output_text = ""
    run(user)
    assert SearchResult.objects.get().error == "The API gave an empty answer."


def test_there_is_one_client_for_all_tasks(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    tasks.get_client.cache_clear()
    client = tasks.get_client()
    assert client is tasks.get_client()
    assert (client.timeout, client.max_retries) == (30, 0)
    tasks.get_client.cache_clear()
