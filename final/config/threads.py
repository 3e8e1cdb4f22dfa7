"""Runs the views: plain functions, in threads that stay.

Each thread keeps its database connection. It gets a request once all of it is there,
and gives the response back as a whole. For a client that sends its form byte by byte,
or never ends it, would keep a thread for itself; some dozens of them would keep all.
And each piece that is handed over by itself costs a change of threads and back.
"""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

from asgiref.wsgi import WsgiToAsgiInstance

LARGEST_BODY = 65_536  # bytes: a question has 200 characters
PATIENCE = 10  # seconds that a body may take to arrive


class InThreads:
    """The ASGI application that calls a WSGI application in `count` threads."""

    def __init__(self, application, count):
        self.application = application
        self.threads = ThreadPoolExecutor(count, "request")

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
        # asgiref's own way to call the application changes threads for each piece. What
        # it knows of both interfaces is what we need.
        translator = WsgiToAsgiInstance(self.application)
        # WSGI cannot tell A_B from A-B: nobody shall pass one off as the other.
        headers = [pair for pair in scope["headers"] if b"_" not in pair[0]]
        translator.scope = {**scope, "headers": headers}
        try:
            environ = translator.build_environ(translator.scope, BytesIO(body))
        except ValueError:
            return await refuse(send, 400, b"One header comes too often.\n")
        # Pages send UTF-8. To any other name Django says no, also while it says no.
        kind = environ.get("CONTENT_TYPE", "")
        environ["CONTENT_TYPE"] = re.sub(r";\s*charset=[^;]*", "", kind, flags=re.I)
        loop = asyncio.get_running_loop()
        content = await loop.run_in_executor(
            self.threads, self.respond, environ, translator.start_response
        )
        await send(translator.response_start)
        return await send({"type": "http.response.body", "body": content})

    def respond(self, environ, start_response):
        response = self.application(environ, start_response)
        try:
            return b"".join(response)
        finally:
            response.close()


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
