"""A visitor sends a question with the page's form, and only to the page's server."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tutorial.visitor.site import Site
from tutorial.visitor.visitor import NoForm, Visitor

FORM = '<form method="post" action="{}"><textarea name="{}"></textarea></form>'


class Server(ThreadingHTTPServer):
    """Responds to each GET with `status` and `html`, and records each POST."""

    status, html = 200, ""

    def __init__(self) -> None:
        self.posted: list[bytes] = []
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Handles one request."""

    def do_GET(self) -> None:
        """Send the page."""
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.html.encode())

    def do_POST(self) -> None:
        """Record the request."""
        size = int(self.headers["Content-Length"])
        self.server.posted.append(self.rfile.read(size))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Do not log."""


@pytest.fixture
def server() -> Iterator[Server]:
    yield from _served()


@pytest.fixture
def other_server() -> Iterator[Server]:
    yield from _served()


def _served() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def visitor_at(server: Server) -> Visitor:
    """Return a visitor of the page on `server`."""
    return Visitor(Site(server.url, redis_url="", openai_url=""))


@pytest.mark.parametrize("action", ["", "/ask/", "?page=2"])
def test_the_question_is_sent_with_the_form_of_the_page(server, action):
    server.html = FORM.format(action, "query")
    assert visitor_at(server).ask("Why?").status == 200
    assert server.posted == [b"query=Why%3F"]


def test_the_form_may_contain_the_address_of_its_own_server(server):
    server.html = FORM.format(f"{server.url}/ask/", "query")
    visitor_at(server).ask("Why?")
    assert server.posted == [b"query=Why%3F"]


def test_no_question_goes_to_another_server(server, other_server):
    server.html = FORM.format(f"{other_server.url}/", "query")
    with pytest.raises(NoForm, match=f"{other_server.url}/"):
        visitor_at(server).ask("Why?")
    assert other_server.posted == []


def test_the_visitor_ignores_a_form_of_another_server(server, other_server):
    server.html = FORM.format(f"{other_server.url}/", "query") + FORM.format(
        "", "words"
    )
    visitor_at(server).ask("Why?")
    assert (server.posted, other_server.posted) == ([b"words=Why%3F"], [])


def test_no_form_of_an_error_page_is_used(server, other_server):
    # Django's debug page contains such a form. It would publish the traceback.
    server.status = 500
    server.html = FORM.format(f"{other_server.url}/", "content") + FORM.format(
        "", "query"
    )
    with pytest.raises(NoForm, match="status 500"):
        visitor_at(server).ask("Why?")
    assert (server.posted, other_server.posted) == ([], [])
