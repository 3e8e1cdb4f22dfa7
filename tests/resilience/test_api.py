"""Check what `final/` does if the API fails, and how often it retries.

Each request costs money, so a request that cannot succeed must not be retried. These
tests belong to rows 14, 15, and 28 to 31 of the table of faults, which the command
`python3 -m tutorial test -m fault` prints.
"""

import json
import time

import pytest

from search.tasks import MOST_TRIES
from support.app.account import user_id
from support.app.database import insert_search
from support.app.person import ENDED, Person, calls
from tutorial.standin import STAND_IN_KEY
from tutorial.standin.simulations import SIMULATIONS

PASSING = {
    "rate limit": "The API gave no answer (RateLimitError).",
    "server error": "The API gave no answer (InternalServerError).",
    "cut stream": "The API could not be reached (APIConnectionError).",
    "stalled stream": "The API did not respond in time.",
    "no end": "The API's answer was cut off.",
}
LASTING = {
    "silence": "The API did not respond in time.",
    "no model": "The API does not offer the model that this site uses.",
    "closed": "The API gave no answer (RateLimitError).",
    "bad key": "The API rejected the key of this site (AuthenticationError).",
    "no quota": "This site has used up its quota at the API.",
    "refusal": "The model declined to answer this.",
}


def ends(socket, task_ids, seconds=40):
    """Wait for the end of all searches.

    Return the last frame of each search, and all frames that arrived until then.
    """
    frames = []
    while True:
        frames.append(json.loads(socket.recv(timeout=seconds)))
        last = {f["task_id"]: f for f in frames if f.get("status") in ENDED}
        if set(task_ids) <= last.keys():
            return last, frames


def ask_all(person, names):
    return {name: person.search(f"simulate: {name}") for name in names}


@pytest.mark.fault(14, "the API is busy, broken or silent, or its stream breaks off")
def test_a_temporary_failure_is_retried_and_then_reported(shared_app):
    person, other = Person(shared_app.site), Person(shared_app.site)
    with person.open_socket() as socket, other.open_socket() as other_socket:
        searches = ask_all(person, PASSING)
        last, _ = ends(socket, searches.values())
        others = other.search("What is a task?")
        _, others_frames = ends(other_socket, [others])
    saved = person.snapshot()
    for name, task_id in searches.items():
        # A part of the answer may have arrived, but must not be shown as the answer.
        for state in (last[task_id], saved[task_id]):
            found = state["status"], state["error"], state["answer"]
            assert found == ("failed", PASSING[name], ""), name
        assert calls(shared_app.site, f"simulate: {name}") == MOST_TRIES, name
    assert {frame.get("task_id") for frame in others_frames} == {None, others}


@pytest.mark.fault(14, "the API is busy, broken or silent, or its stream breaks off")
def test_a_search_is_answered_if_a_retry_succeeds(shared_app):
    person = Person(shared_app.site)
    task_id = person.search("simulate: hiccup")
    end = person.wait_for_end(task_id)
    assert (end["status"], end["error"]) == ("done", "")
    assert "offline stand-in" in end["answer"]
    assert calls(shared_app.site, "simulate: hiccup") == 2


@pytest.mark.fault(15, "the API fails permanently")
def test_a_permanent_failure_is_not_retried(shared_app):
    person = Person(shared_app.site)
    with person.open_socket() as socket:
        searches = ask_all(person, LASTING)
        last, frames = ends(socket, searches.values())
    saved = person.snapshot()
    for name, task_id in searches.items():
        for state in (last[task_id], saved[task_id]):
            found = state["status"], state["error"], state["answer"]
            assert found == ("failed", LASTING[name], ""), name
        assert calls(shared_app.site, f"simulate: {name}") == 1, name
    # The text of an API error is neither shown nor logged, because it may contain a
    # part of the key.
    told = str(frames) + person.get().html + str(shared_app.log)
    secrets = [STAND_IN_KEY, *(s.message for s in SIMULATIONS if s.message)]
    assert [secret for secret in secrets if secret in told] == []


@pytest.mark.fault(28, "the model thinks for a long time before its first word")
def test_the_api_is_called_once_if_the_model_thinks_for_a_long_time(run_app):
    # Before its first word, the API is silent for 4 seconds. This is longer than the
    # timeout that applies between two words.
    running = run_app(stand_in_options=("--thinking", "4"))
    person = Person(running.site)
    end = person.wait_for_end(person.search("simulate: thinking"))
    assert (end["status"], end["error"]) == ("done", "")
    assert calls(running.site, "simulate: thinking") == 1


@pytest.mark.fault(29, "the API says how long to wait before a retry")
def test_the_worker_waits_as_long_as_the_retry_after_header_says(shared_app):
    person, started = Person(shared_app.site), time.monotonic()
    end = person.wait_for_end(person.search("simulate: busy"))
    assert (end["status"], end["error"]) == ("done", "")
    assert time.monotonic() - started > 3  # seconds, from the header Retry-After
    assert calls(shared_app.site, "simulate: busy") == 2


@pytest.mark.fault(30, "the API does not stream the answers of this model")
def test_an_answer_arrives_as_a_whole_if_it_cannot_be_streamed(run_app):
    running = run_app()
    person = Person(running.site)
    for question in ("simulate: no stream", "What is a task?"):
        end = person.wait_for_end(person.search(question))
        assert (end["status"], end["error"]) == ("done", "")
    asked = [request["stream"] for request in running.site.requests_to_openai()]
    assert asked == [True, False, False]


@pytest.mark.fault(31, "the API's client cannot be created, because of a proxy")
def test_the_worker_keeps_running_if_the_api_client_cannot_be_created(
    run_app,
):
    running = run_app(ALL_PROXY="socks5://me:secret@127.0.0.1:9", NO_PROXY="")
    person = Person(running.site)
    for question in ("Who is there?", "Still there?"):
        end = person.wait_for_end(person.search(question))
        found = end["status"], end["error"]
        words = "The request to the API could not be sent (ImportError)."
        assert found == ("failed", words)
    # The worker's periodic rounds continue, and find a search whose message was lost.
    fields = {"status": "pending", "updated_at": "2000-01-01 00:00:00"}
    overlooked = insert_search(running, user_id(person), **fields)
    assert person.wait_for_end(overlooked)["status"] == "failed"
    told = str(running.log)
    assert "The API's client cannot be created: ImportError" in told
    assert "secret" not in told


@pytest.mark.fault(15, "the API fails permanently")
def test_without_a_key_every_search_fails_with_an_error_message(run_app):
    running = run_app(OPENAI_API_KEY="")
    person = Person(running.site)
    told = person.search("Who has the key?")
    # The worker's periodic rounds find a search whose message was lost.
    fields = {"status": "pending", "updated_at": "2000-01-01 00:00:00"}
    overlooked = insert_search(running, user_id(person), **fields)
    for task_id in (told, overlooked):
        end = person.wait_for_end(task_id)
        assert end["status"] == "failed"
        assert end["error"] == "The request to the API could not be sent (OpenAIError)."
    assert running.site.requests_to_openai() == []
