"""The floor: the shortest asyncio program that makes the same hops as the flow.

POST -> Redis list -> worker -> the API, over HTTP -> SQLite commit -> Redis pub/sub ->
WebSocket frame. Like the projects, it has a web process and a worker process. It has no
sessions, forms or templates, and handles no failures. So a question takes only as long
as the hops themselves take on this machine.

    POST /?user=7             the question, as text; the response is the task's id
    GET  /?task=ID            the answer, or 204 while there is none
    GET  /ws/search/?user=7   the user's WebSocket

Start it with `python -m tutorial.bench.floor web` and `... worker`, with REDIS_URL,
OPENAI_BASE_URL, PORT and DATABASE (a file) in the environment.
"""

import asyncio
import base64
import hashlib
import json
import os
import sqlite3
import sys
import uuid
from collections import defaultdict
from urllib.parse import urlsplit

import redis.asyncio

QUEUE = "questions"
# The constant from RFC 6455, section 1.3.
HANDSHAKE = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def _redis() -> redis.asyncio.Redis:
    # No timeout: both processes may wait any length of time for a message.
    return redis.asyncio.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=None)


def _database() -> sqlite3.Connection:
    # The settings are the same as in the steps. Each statement is committed at once.
    database = sqlite3.connect(os.environ["DATABASE"], isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("CREATE TABLE IF NOT EXISTS answers (task PRIMARY KEY, answer)")
    return database


class Web:
    """The web process."""

    def __init__(self) -> None:
        self._redis = _redis()
        self._database = _database()
        self._sockets = defaultdict[str, set[asyncio.StreamWriter]](set)  # by user

    async def run(self) -> None:
        """Serve, and forward what the worker publishes, until the process ends."""
        news = self._redis.pubsub()
        await news.psubscribe("user_*")
        port = int(os.environ["PORT"])
        await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=1024)
        async for message in news.listen():
            if message["type"] == "pmessage":
                payload = message["data"]
                length = len(payload)
                size = (
                    bytes([length])
                    if length < 126
                    else b"\x7e%c%c" % divmod(length, 256)
                )
                for writer in self._sockets[message["channel"].decode()]:
                    writer.write(b"\x81" + size + payload)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                line, *lines = head[:-4].decode("latin-1").split("\r\n")
                method, target, _ = line.split(" ")
                headers = dict(line.lower().split(": ", 1) for line in lines)
                value = target.partition("=")[2]
                if "upgrade" in headers:
                    key = next(
                        line[19:] for line in lines if "Sec-WebSocket-Key" in line
                    )
                    await self._hold(f"user_{value}", key, reader, writer)
                elif method == "POST":
                    body = await reader.readexactly(int(headers["content-length"]))
                    task = str(uuid.uuid4())
                    message = {"task": task, "user": value, "query": body.decode()}
                    await self._redis.lpush(QUEUE, json.dumps(message))
                    _answer(writer, "202 Accepted", task)
                else:
                    query = "SELECT answer FROM answers WHERE task = ?"
                    if row := self._database.execute(query, [value]).fetchone():
                        _answer(writer, "200 OK", row[0])
                    else:
                        _answer(writer, "204 No Content", "")
        except (EOFError, ConnectionError):
            writer.close()

    async def _hold(
        self,
        user: str,
        key: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        digest = hashlib.sha1(key.encode() + HANDSHAKE).digest()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection:"
            b" Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n" % base64.b64encode(digest)
        )
        self._sockets[user].add(writer)
        try:
            while True:
                first, size = await reader.readexactly(2)
                # A client's frame has a mask of four bytes. The payload is short here.
                await reader.readexactly(4 + (size & 127))
                if first & 0xF == 0x9:  # a ping: answer with an empty pong
                    writer.write(b"\x8a\0")
                elif first & 0xF == 0x8:  # a close frame
                    raise EOFError
        finally:
            self._sockets[user].discard(writer)


def _answer(writer: asyncio.StreamWriter, status: str, body: str) -> None:
    text = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    writer.write(text.encode())


class Worker:
    """The worker process."""

    def __init__(self) -> None:
        self._redis = _redis()
        self._database = _database()
        self._api = urlsplit(os.environ["OPENAI_BASE_URL"])
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def run(self) -> None:
        """Take questions from the list until the process ends."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                _, message = await self._redis.brpop([QUEUE])
                tasks.create_task(self._work(**json.loads(message)))

    async def _work(self, task: str, user: str, query: str) -> None:
        reader, writer = self._free.pop() if self._free else await self._connect()
        answer = await self._ask(reader, writer, user, query)
        self._free.append((reader, writer))
        self._database.execute("INSERT INTO answers VALUES (?, ?)", [task, answer])
        await self._publish(user, {"task_id": task, "query": query, "answer": answer})

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._api.hostname, self._api.port)

    async def _publish(self, user: str, frame: dict) -> None:
        await self._redis.publish(f"user_{user}", json.dumps(frame))

    def _send(self, writer: asyncio.StreamWriter, **fields: object) -> None:
        body = json.dumps({"model": "floor"} | fields)
        writer.write(
            f"POST {self._api.path}/responses HTTP/1.1\r\nHost: {self._api.netloc}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        user: str,
        query: str,
    ) -> str:
        self._send(writer, input=query)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        answer = json.loads(await reader.readexactly(length))
        return answer["output"][0]["content"][0]["text"]


class StreamingWorker(Worker):
    """A worker that publishes the first word as soon as it arrives."""

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        user: str,
        query: str,
    ) -> str:
        self._send(writer, input=query, stream=True)
        answer = ""
        while (line := await reader.readuntil(b"\n")) != b"0\r\n":
            if line.startswith(b'data: {"type": "response.output_text.delta"'):
                word = json.loads(line[6:])["delta"]
                if not answer:
                    await self._publish(user, {"query": query, "chunk": word})
                answer += word
        await reader.readuntil(b"\n")
        return answer


PROCESSES = {"web": Web, "worker": Worker, "streaming-worker": StreamingWorker}

if __name__ == "__main__":
    asyncio.run(PROCESSES[sys.argv[1]]().run())
