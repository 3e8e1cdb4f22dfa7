"""A fast client: HTTP with a persistent connection, and WebSockets.

The client shares the machine's cores with the programs that it measures, so it has to
use little time itself. It is simpler than any library. When a frame arrives, the client
records the time before it processes the frame.
"""

import asyncio
import base64
import json
import os
import struct
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

PATIENCE = 30.0  # seconds to wait for an answer of the server

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
LAST_FRAME, IS_COMPRESSED = 0x80, 0x40

# Browsers offer this compression. A server that accepts it uses memory and CPU time.
EXTENSIONS = "permessage-deflate; client_max_window_bits"


class NoAnswer(Exception):
    """The server gave no answer in time, closed the connection, or sent an error."""


@dataclass(frozen=True)
class Response:
    """A response of the server. The names of `headers` are in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """Return the value of the first header with this name, or ""."""
        return next((value for key, value in self.headers if key == name), "")


class Http:
    """A connection to the server at `url`. Reconnects if the server has closed it."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def connect(self) -> None:
        """Connect now, so that the next request does not have to connect first."""
        if self._writer is None or self._reader.at_eof() or self._writer.is_closing():
            self.close()
            host, _, port = self._host.partition(":")
            self._reader, self._writer = await asyncio.open_connection(host, int(port))

    def close(self) -> None:
        """Close the connection."""
        if self._writer:
            self._writer.close()
            self._writer = None

    async def request(
        self, method: str, path: str, headers: Mapping[str, str] = {}, body: bytes = b""
    ) -> Response:
        """Send a request and return the response. Raises NoAnswer if there is none."""
        connection = self._writer
        await self.connect()
        is_kept = self._writer is connection
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._receive()
        except (OSError, EOFError) as error:  # a timeout is an OSError
            self.close()
            if is_kept and isinstance(error, EOFError) and not error.partial:
                # The server closed the connection while the request was on its way.
                # Browsers send the request again in this case, too.
                return await self.request(method, path, headers, body)
            kind = type(error).__name__
            raise NoAnswer(f"no answer to {method} {path} ({kind})") from error

    async def _receive(self) -> Response:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head[:-4].split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = [(name.lower(), value.strip()) for name, _, value in pairs]
        response = Response(int(first.split(" ")[1]), headers, b"")
        if response.header("transfer-encoding") == "chunked":
            body = await self._receive_chunks()
        elif length := response.header("content-length"):
            body = await self._reader.readexactly(int(length))
        else:
            body = b""
        if response.header("connection").lower() == "close":
            self.close()
        return Response(response.status, headers, body)

    async def _receive_chunks(self) -> bytes:
        body = b""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readexactly(2)
        return body


class WebSocket(asyncio.Protocol):
    """A WebSocket that calls `on_text(text, time)` for each text frame.

    `time` is the time at which the frame arrived, in seconds of `time.monotonic`.
    """

    def __init__(self, request: bytes, on_text: Callable[[bytes, float], None]) -> None:
        self._request = request
        self._on_text = on_text
        self._received = b""
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS).decompress
        loop = asyncio.get_running_loop()
        self._opened = loop.create_future()
        self._pong: asyncio.Future | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Send the handshake."""
        self._transport = transport
        transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        """Raise NoAnswer in every task that waits for the socket."""
        self.is_open = False
        for waiting in (self._opened, self._pong):
            if waiting and not waiting.done():
                waiting.set_exception(NoAnswer("the socket was closed"))

    def data_received(self, data: bytes) -> None:
        """Handle the frames that have arrived completely."""
        moment = time.monotonic()
        self._received += data
        if not self.is_open and not self._open():
            return
        while frame := self._next_frame():
            first, payload = frame
            kind = first & 0xF
            if kind == TEXT:
                if first & IS_COMPRESSED:
                    payload = self._inflate(payload + b"\0\0\xff\xff")
                self._on_text(payload, moment)
            elif kind == PING:
                self._send(PONG, payload)
            elif kind == PONG and self._pong and not self._pong.done():
                self._pong.set_result(None)
            elif kind == CLOSE:
                self.is_open = False
                self._transport.close()

    def _open(self) -> bool:
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return False
        if b" 101 " not in head:
            self._opened.set_exception(NoAnswer(head.partition(b"\r\n")[0].decode()))
            self._transport.close()
            return False
        self._received = rest
        self.is_open = True
        self._opened.set_result(None)
        return True

    def _next_frame(self) -> tuple[int, bytes] | None:
        data, start = self._received, 2
        if len(data) < 2:
            return None
        length = data[1]
        if length > 125:
            start = 4 if length == 126 else 10
            if len(data) < start:
                return None
            length = int.from_bytes(data[2:start])
        if len(data) < start + length:
            return None
        self._received = data[start + length :]
        return data[0], data[start : start + length]

    def _send(self, kind: int, payload: bytes = b"") -> None:
        # RFC 6455 demands a mask from clients. A mask of zeros changes nothing.
        head = struct.pack("!BB4x", LAST_FRAME | kind, 0x80 | len(payload))
        self._transport.write(head + payload)

    async def opened(self) -> None:
        """Wait until the socket is open. Raises NoAnswer if the server refuses it."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._opened
        except TimeoutError as error:
            self._transport.close()
            raise NoAnswer("no answer to the handshake") from error

    async def answers(self) -> bool:
        """Whether the server still answers a ping."""
        if not self.is_open:
            return False
        self._pong = asyncio.get_running_loop().create_future()
        self._send(PING)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._pong
        except (TimeoutError, NoAnswer):
            return False
        return True

    def close(self) -> None:
        """Send a close frame, and close the connection."""
        if self.is_open:
            self._send(CLOSE)
        self._transport.close()


async def open_socket(
    url: str, path: str, cookies: str, on_text: Callable[[bytes, float], None]
) -> WebSocket:
    """Open a WebSocket to `path` on the server at `url`, with `url` as the origin."""
    host = urlsplit(url).netloc
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        *(f"GET {path} HTTP/1.1", f"Host: {host}", f"Origin: {url}"),
        *("Connection: Upgrade", "Upgrade: websocket", f"Sec-WebSocket-Key: {key}"),
        *("Sec-WebSocket-Version: 13", f"Sec-WebSocket-Extensions: {EXTENSIONS}"),
        *([f"Cookie: {cookies}"] if cookies else []),
    ]
    request = "\r\n".join([*lines, "", ""]).encode()
    loop = asyncio.get_running_loop()
    name, _, port = host.partition(":")
    _, socket = await loop.create_connection(
        lambda: WebSocket(request, on_text), name, int(port)
    )
    await socket.opened()
    return socket


async def fetch_json(http: Http, method: str, path: str, data: object = None) -> dict:
    """Send `data` as JSON, and return the JSON in the response."""
    body = b"" if data is None else json.dumps(data).encode()
    return json.loads((await http.request(method, path, body=body)).body)
