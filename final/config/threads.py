"""Runs the views, which are plain functions, in a fixed number of threads.

A thread gets a request when all of it has arrived, and returns the whole response.
Otherwise a client that sends its form slowly would occupy a thread, and a few dozen
such clients would occupy all threads. Also, a response in several pieces costs two
thread switches for each piece: with Django's own ASGI application, the app does 13 %
fewer searches per second.
"""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO

from asgiref.wsgi import WsgiToAsgiInstance
from django.conf import settings
from django.db import connection

LARGEST_BODY = 65_536  # bytes: a question has at most 200 characters
PATIENCE = 10  # seconds that a body may take to arrive


class InThreads:
    """The ASGI application that calls a WSGI application in `count` threads."""

    def __init__(self, application, count):
        self.application = application
        # New searches have their own threads, so that no other request waits for a
        # burst of them. SQLite has one writer at a time, but no queue of writers: if
        # the searches wait here, the app does 10 % more of them per second.
        searches = 1 if connection.vendor == "sqlite" else max(1, count // 2)
        self.searches = ThreadPoolExecutor(searches, "search")
        self.threads = ThreadPoolExecutor(max(1, count - searches), "request")
        # All the threads above may be waiting for a locked table. Requests for files
        # and /healthz need no database, so they have separate threads.
        self.quick = ThreadPoolExecutor(4, "quick request")

    async def __call__(self, scope, receive, send):
        try:
            async with asyncio.timeout(PATIENCE):
                body = await read(receive)
        except TimeoutError:
            return await refuse(send, 408, b"The request did not end.\n")
        if body is None:
            return None  # the client has disconnected
        if len(body) > LARGEST_BODY:
            return await refuse(send, 413, b"The request is too long.\n")
        # Use only asgiref's translation between the two interfaces. If asgiref called
        # the application, it would switch threads for each piece of the response.
        translator = WsgiToAsgiInstance(self.application)
        # WSGI cannot distinguish A_B from A-B, so drop headers with an underscore.
        headers = [pair for pair in scope["headers"] if b"_" not in pair[0]]
        translator.scope = {**scope, "headers": headers}
        try:
            environ = translator.build_environ(translator.scope, BytesIO(body))
        except ValueError:
            return await refuse(send, 400, b"A header is repeated too often.\n")
        # Strip the charset: Django rejects forms that are not UTF-8, and its page for
        # that error reads the form, so it can fail for the same reason.
        kind = environ.get("CONTENT_TYPE", "")
        environ["CONTENT_TYPE"] = re.sub(r";\s*charset=[^;]*", "", kind, flags=re.I)
        threads = self.threads
        if scope["path"].startswith(("/healthz", settings.STATIC_URL)):
            threads = self.quick
        elif scope["method"] == "POST" and scope["path"] == "/":
            threads = self.searches
        content = await asyncio.get_running_loop().run_in_executor(
            threads, self.respond, environ, translator.start_response
        )
        await send(translator.response_start)
        return await send({"type": "http.response.body", "body": content})

    def respond(self, environ, start_response):
        with closing(self.application(environ, start_response)) as response:
            return b"".join(response)


async def read(receive):
    """Return the body, or None if the client left. Stop if the body is too long."""
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
