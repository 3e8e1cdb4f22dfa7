"""A request reaches a view only when all of it has arrived."""

import asyncio
import threading
from types import SimpleNamespace

import pytest
from django.http import HttpResponse

from config import threads
from config.threads import LARGEST_BODY, InThreads

got = []


@pytest.fixture(autouse=True)
def nothing_yet():
    got.clear()


def view(environ, start_response):
    """A WSGI application that records the request and the thread."""
    got.append(environ | {"body": environ["wsgi.input"].read()})
    got[-1]["thread"] = threading.current_thread().name
    response = HttpResponse([b"Because", b" so."], headers={"Retry-After": "5"})
    start_response("202 Accepted", list(response.items()))
    return response


def piece(body, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


async def send_pieces(*pieces, headers=()):
    """Return the response to a request that arrives in these pieces."""
    waiting, sent = list(pieces), []

    async def receive():
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    await InThreads(view, 2)(scope_of("POST", "/", headers), receive, send)
    return sent


def scope_of(method, path, headers=()):
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": list(headers),
    }


async def status_of(*pieces, headers=()):
    sent = await send_pieces(*pieces, headers=headers)
    return sent[0]["status"]


async def test_the_view_gets_the_whole_body():
    assert await status_of(piece(b"query=", True), piece(b"Why")) == 202
    assert [request["body"] for request in got] == [b"query=Why"]


async def test_the_view_runs_in_a_separate_thread():
    await send_pieces(piece(b""))
    assert got[0]["thread"] != threading.current_thread().name


@pytest.mark.parametrize(
    ("vendor", "path", "most"),
    [("sqlite", "/", 1), ("sqlite", "/accounts/login/", 3), ("postgresql", "/", 2)],
)
async def test_new_searches_leave_threads_for_other_requests(
    monkeypatch, vendor, path, most
):
    monkeypatch.setattr(threads, "connection", SimpleNamespace(vendor=vendor))
    started, may_end = [], threading.Event()

    def slow_view(environ, start_response):
        started.append(environ["REQUEST_METHOD"])
        if environ["REQUEST_METHOD"] == "POST":
            assert may_end.wait(10)
        return view(environ, start_response)

    application = InThreads(slow_view, 4)

    async def receive():
        return piece(b"")

    async def send(message):
        pass

    async def request(method, path):
        await application(scope_of(method, path), receive, send)

    posts = [asyncio.create_task(request("POST", path)) for _ in range(most + 1)]
    # The posts ask for a thread before these requests do.
    other = "/accounts/login/" if path == "/" else "/static/search/search.js"
    await asyncio.wait_for(asyncio.create_task(request("GET", other)), 10)
    assert started.count("POST") == most
    may_end.set()
    await asyncio.gather(*posts)
    assert started.count("POST") == most + 1


async def test_the_response_is_complete():
    start, body = await send_pieces(piece(b""))
    assert (b"retry-after", b"5") in start["headers"]
    assert body == {"type": "http.response.body", "body": b"Because so."}


async def test_a_body_that_is_too_long_is_not_read_to_its_end():
    assert await status_of(piece(b"x" * (LARGEST_BODY + 1), True)) == 413
    assert not got


async def test_a_request_that_never_ends_is_rejected(monkeypatch):
    monkeypatch.setattr(threads, "PATIENCE", 0.05)
    assert await status_of(piece(b"query=", True)) == 408
    assert not got


@pytest.mark.parametrize("before", [[], [piece(b"query=", True)]])
async def test_a_client_that_disconnects_gets_no_response(before):
    assert not await send_pieces(*before, {"type": "http.disconnect"})
    assert not got


async def test_a_header_with_an_underscore_is_dropped():
    disguised = [(b"x_forwarded_for", b"10.0.0.1"), (b"x-real", b"yes")]
    await send_pieces(piece(b""), headers=disguised)
    assert got[0]["HTTP_X_REAL"] == "yes"
    assert "HTTP_X_FORWARDED_FOR" not in got[0]


async def test_a_header_that_is_repeated_a_hundred_times_is_rejected():
    assert await status_of(piece(b""), headers=[(b"x-real", b"yes")] * 101) == 400
    assert not got


@pytest.mark.parametrize("name", ["latin1", '"utf-7"', "UTF-8"])
async def test_the_charset_of_a_form_is_dropped(name):
    kind = f"multipart/form-data; charset={name}; boundary=x".encode()
    await send_pieces(piece(b""), headers=[(b"content-type", kind)])
    assert got[0]["CONTENT_TYPE"] == "multipart/form-data; boundary=x"
