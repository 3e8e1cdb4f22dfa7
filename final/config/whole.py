"""Hands a request over to a thread once all of it is there.

A view has one of a few threads. A client that sends its form byte by byte, or never
ends it, would keep one for itself; some dozens of them would keep all.
"""

import asyncio

LARGEST_BODY = 65_536  # bytes: a question has 200 characters
PATIENCE = 10  # seconds that a body may take to arrive


class WholeRequests:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        try:
            async with asyncio.timeout(PATIENCE):
                body = await read(receive)
        except TimeoutError:
            return await refuse(send, 408, b"The request did not end.\n")
        if body is None:
            return None  # it went away
        if len(body) > LARGEST_BODY:
            return await refuse(send, 413, b"The request is too long.\n")

        async def receive_whole():
            return {"type": "http.request", "body": body, "more_body": False}

        return await self.app(scope, receive_whole, send)


async def read(receive):
    """The body, or enough of it to see that it is too long. None: the client left."""
    body, has_more = b"", True
    while has_more and len(body) <= LARGEST_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
    return body


async def refuse(send, status, words):
    headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words})
