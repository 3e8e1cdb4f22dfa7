"""Serves the map's page and data to this machine only, not to pages of other sites."""

import asyncio
import contextlib
import json
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from tutorial.live_map.document import document, name_of, recording
from tutorial.live_map.state import State
from tutorial.runtime import codespaces
from tutorial.runtime.waiting import wait_until

READ = 0.1  # seconds between two reads of the events
READ_WHEN_BUSY = 0.5  # seconds between two reads while the map is busy
BUSY = 15  # the map is busy if this many searches changed between two reads
LOOK = 0.5  # seconds between two looks at the processes and at Redis
BEAT = 15.0  # seconds after which a silent stream sends a comment
# If a page has more unread messages than this, the complete state replaces them.
MOST_NEWS = 100

PAGE = files("tutorial.live_map") / "page"
KINDS = {".js": "text/javascript", ".css": "text/css"}

# With these headers, the page loads nothing from other hosts, and no other page can
# embed it or read from it.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src 'self' data:; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

Send = Callable[[dict[str, Any]], Awaitable[None]]


class LiveMap:
    """A context manager that serves a project's map at `port`, in a thread."""

    def __init__(self, state: State, port: int) -> None:
        self.state = state
        self.port = port
        self.url = codespaces.address(port) or f"http://127.0.0.1:{port}"
        self.run = uuid.uuid4().hex  # a unique id for this start of the map
        self._streams: set[asyncio.Queue] = set()
        config = uvicorn.Config(
            self._application,
            host="127.0.0.1",
            port=port,
            log_config=None,
            access_log=False,
            interface="asgi3",
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "LiveMap":
        self._thread.start()
        wait_until(
            lambda: self._server.started or not self._thread.is_alive(),
            seconds=10,
            otherwise="the map does not start",
        )
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.should_exit = True
        with contextlib.suppress(RuntimeError):  # the loop has already ended
            self._loop.call_soon_threadsafe(self._end_streams)
        self._thread.join(timeout=10)

    def _serve(self) -> None:
        asyncio.run(self._run())

    def _end_streams(self) -> None:
        for stream in self._streams:
            stream.put_nowait(END)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(one) for one in (self._read(), self._look())]
        try:
            await self._server.serve()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(Exception):
                await self.state.close()

    # --- data for the page ----------------------------------------------------------

    # A library may suppress the cancellation of these tasks, so their loops also check
    # whether the server should exit.

    async def _read(self) -> None:
        while not self._server.should_exit:
            try:
                self.state.read()
            except Exception as error:
                self._failed(error)
            news = self.state.news()
            if news:
                self._publish(news | {"now": time.time()})
            is_busy = len(news.get("searches", ())) > BUSY
            await asyncio.sleep(READ_WHEN_BUSY if is_busy else READ)

    async def _look(self) -> None:
        while not self._server.should_exit:
            try:
                await self.state.look()
            except Exception as error:
                self._failed(error)
            await asyncio.sleep(LOOK)

    def _failed(self, error: Exception) -> None:
        """Show an error of the map itself in the page, and continue."""
        self.state.problem = f"The map itself has failed: {error!r}"

    def _publish(self, news: dict[str, Any]) -> None:
        text = json.dumps(news)
        for stream in self._streams:
            if stream.qsize() > MOST_NEWS:
                while not stream.empty():
                    stream.get_nowait()
                stream.put_nowait(json.dumps(self.everything()))
            else:
                stream.put_nowait(text)

    def everything(self) -> dict[str, Any]:
        """Return the complete state, for a page that was just opened."""
        step = self.state.step
        return {
            **self.state.all(),
            "run": self.run,
            "now": time.time(),
            "title": name_of(step),
            "step": step.number,
        }

    # --- HTTP -----------------------------------------------------------------------

    async def _application(self, scope: dict, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
        path = scope["path"]
        if refusal := self._refusal(scope["method"], path, headers):
            await _respond(send, 403, "text/plain", refusal)
        elif path == "/":
            await _respond(send, 200, "text/html", document(self.state.step))
        elif path == "/events":
            await self._stream(receive, send)
        elif path == "/recording":
            name = f"search-map-{time.strftime('%Y-%m-%d-%H%M%S')}.html"
            attachment = {"Content-Disposition": f'attachment; filename="{name}"'}
            text = recording(self.state.step, self.everything())
            await _respond(send, 200, "text/html", text, attachment)
        elif (file := PAGE / path[1:].replace("/", "")).is_file():
            kind = KINDS.get(f".{path.rpartition('.')[2]}", "text/plain")
            await _respond(send, 200, kind, file.read_text())
        else:
            await _respond(send, 404, "text/plain", "There is no such page.\n")

    def _refusal(self, method: str, path: str, headers: dict[str, bytes]) -> str:
        """Return why the request is refused, or "" if it is not refused.

        A page of another site must not read the map. It could try this with a request
        from its script, or through a host name that resolves to this machine (DNS
        rebinding).
        """
        hosts = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        hosts.add(urlsplit(self.url).netloc)
        host = headers.get("host", b"").decode("latin-1")
        if host not in hosts:
            return f"The map answers only at {self.url}\n"
        origin = headers.get("origin")
        if origin and urlsplit(origin.decode("latin-1")).netloc not in hosts:
            return "Another site requested the map.\n"
        fetched_by = headers.get("sec-fetch-site", b"none")
        if path != "/" and fetched_by not in (b"none", b"same-origin"):
            return "Another site requested the map.\n"
        return "" if method in ("GET", "HEAD") else "The map is read-only.\n"

    async def _stream(self, receive: Any, send: Send) -> None:
        """Send the complete state, then all changes, until the page is closed."""
        queue: asyncio.Queue = asyncio.Queue()
        queue.put_nowait(json.dumps(self.everything()))
        self._streams.add(queue)
        await _start(send, 200, "text/event-stream", {})
        leaving = asyncio.create_task(_end_when_left(receive, queue))
        body = {"type": "http.response.body"}
        try:
            while (text := await _next(queue)) != END:
                await send({**body, "body": text.encode(), "more_body": True})
        finally:
            self._streams.discard(queue)
            leaving.cancel()
        await send(body)


END = ""  # the text that ends a stream


async def _next(queue: asyncio.Queue) -> str:
    """Return the next message, or a comment after BEAT silent seconds, or END."""
    try:
        text = await asyncio.wait_for(queue.get(), BEAT)
    except TimeoutError:
        return ": still here\n\n"
    return f"data: {text}\n\n" if text != END else END


async def _end_when_left(receive: Any, queue: asyncio.Queue) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    queue.put_nowait(END)


async def _start(send: Send, status: int, kind: str, more: dict[str, str]) -> None:
    headers = {"Content-Type": f"{kind}; charset=utf-8", **HEADERS, **more}
    pairs = [(name.lower().encode(), text.encode()) for name, text in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _respond(
    send: Send, status: int, kind: str, text: str, more: dict[str, str] | None = None
) -> None:
    await _start(send, status, kind, more or {})
    await send({"type": "http.response.body", "body": text.encode()})
