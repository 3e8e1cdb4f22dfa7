"""Check the errors of the API that the page "When nothing happens" explains."""

import contextlib
import http.server
import re
import threading
from collections.abc import Iterator

import openai
import pytest

from support.troubleshooting import api_errors, own_entries
from tutorial.check.mistakes import mistakes
from tutorial.paths import ROOT
from tutorial.runtime import services
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.processes import Processes
from tutorial.standin import STAND_IN_KEY

SEARCH = ROOT / "steps" / "07_browser" / "search"
KINDS = api_errors()


@pytest.fixture(scope="module")
def stand_in():
    """Run a stand-in that responds without a delay, and yield its address."""
    with Processes(lambda name, line: None) as processes:
        options = ("--latency", "0", "--pace", "0")
        _, variables = services.start_stand_in(processes, *options)
        yield variables["OPENAI_BASE_URL"]


def ask(url: str, question: str) -> str:
    """Call the API at `url` as step 7 does, but wait a second at most.

    Return the answer.
    """
    client = openai.OpenAI(base_url=url, api_key=STAND_IN_KEY, timeout=1, max_retries=0)
    return client.responses.create(model="any", input=question).output_text


def test_every_kind_of_error_is_on_the_page():
    assert set(KINDS.values()) == {
        *("OpenAIError", "AuthenticationError", "PermissionDeniedError"),
        *("NotFoundError", "RateLimitError", "InternalServerError"),
        *("APIConnectionError", "APITimeoutError"),
    }
    tasks = (SEARCH / "tasks.py").read_text()
    assert 'f"The API gave no answer ({type(problem).__name__})."' in tasks
    assert '"The API gave an empty answer."' in tasks
    assert "OpenAI(timeout=30," in tasks


SIMULATED = [
    (name, question)
    for name in KINDS
    for question in re.findall(r"`(simulate: [^`]+)`", own_entries()[name]["fix"])
]


@pytest.mark.parametrize(("name", "question"), SIMULATED)
def test_a_simulated_failure_raises_the_error_that_the_page_names(
    name, question, stand_in
):
    with pytest.raises(openai.OpenAIError) as error:
        ask(stand_in, question)
    assert type(error.value).__name__ == KINDS[name]


def test_the_answer_is_empty_if_the_model_refuses(stand_in):
    entry = own_entries()["empty-answer"]
    assert "`The API gave an empty answer.`" in entry["symptom"]
    (question,) = re.findall(r"`(simulate: [^`]+)`", entry["fix"])
    assert ask(stand_in, question) == ""


STATUSES = [
    (name, int(status))
    for name in KINDS
    for status in re.findall(r"\b[1-5]\d\d\b", own_entries()[name]["cause"])
]


@pytest.mark.parametrize(("name", "status"), STATUSES)
def test_an_http_status_raises_the_error_that_the_page_names(name, status):
    with pytest.raises(openai.OpenAIError) as error, answers(status) as url:
        ask(url, "What?")
    assert type(error.value).__name__ == KINDS[name]


@contextlib.contextmanager
def answers(status: int) -> Iterator[str]:
    """Run an API that responds to each request with this status. Yield its address."""

    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_a_missing_key_and_a_closed_port_raise_the_errors_on_the_page(monkeypatch):
    with pytest.raises(openai.OpenAIError) as error:
        openai.OpenAI()
    assert type(error.value).__name__ == KINDS["openai-error"]
    assert mistakes()["api-key-missing"].symptom.startswith(
        f"`OpenAIError: {str(error.value).split('.')[0]}`"
    )
    with pytest.raises(openai.OpenAIError) as error:
        ask(f"http://127.0.0.1:{free_port()}/v1", "What?")
    assert type(error.value).__name__ == KINDS["api-connection-error"]


def test_every_kind_of_error_has_a_test():
    tested = {name for name, _ in (*SIMULATED, *STATUSES)}
    assert tested | {"openai-error", "api-connection-error"} == set(KINDS)
