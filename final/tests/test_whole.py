"""A request reaches a view once it is whole, and only then."""

import asyncio

import pytest

from config import whole
from config.whole import LARGEST_BODY, WholeRequests


async def send_pieces(*pieces):
    """What the app got of a request in these pieces, and the status of the answer."""
    waiting, got, sent = list(pieces), [], []

    async def app(scope, receive, send):
        got.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200})

    async def receive():
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    await WholeRequests(app)({"type": "http"}, receive, send)
    return got, sent[0]["status"] if sent else None


def piece(body, more):
    return {"type": "http.request", "body": body, "more_body": more}


async def test_the_pieces_become_one():
    found = await send_pieces(piece(b"query=", True), piece(b"Why", False))
    assert found == ([b"query=Why"], 200)


async def test_what_is_too_long_is_not_read_to_its_end():
    long = piece(b"x" * (LARGEST_BODY + 1), True)
    assert await send_pieces(long) == ([], 413)


async def test_what_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(whole, "PATIENCE", 0.05)
    assert await send_pieces(piece(b"query=", True)) == ([], 408)


@pytest.mark.parametrize("before", [[], [piece(b"query=", True)]])
async def test_who_goes_away_gets_no_answer(before):
    assert await send_pieces(*before, {"type": "http.disconnect"}) == ([], None)
