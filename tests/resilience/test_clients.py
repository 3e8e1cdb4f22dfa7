"""Check that clients that are not browsers cannot harm `final/`.

These tests belong to row 22 of the table of faults, which the command
`python3 -m tutorial test -m fault` prints.
"""

import contextlib
import os
import re
import socket
import struct
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import msgpack
import pytest
import redis

from support.app.account import user_id
from support.app.page import expect_state, open_page
from support.app.person import Person, wait_for_frame
from support.app.start import channel_of
from tutorial.runtime.waiting import wait_until

POLICY_VIOLATION, TOO_BIG, BROKEN, NOT_TEXT = 1008, 1009, 1002, 1007
MIB = 2**20

# The app closes a socket if the client needs more than this number of seconds to read
# a frame. The default is 20.
PATIENCE = 8


def open_sockets(site):
    """Return how many open sockets the web process reports."""
    with urllib.request.urlopen(f"{site.url}/metrics", timeout=10) as response:
        return float(
            re.search(r"^search_sockets (.*)", response.read().decode(), re.M)[1]
        )


def wait_for_sockets(site, number, seconds=30):
    wait_until(
        lambda: open_sockets(site) == number,
        seconds=seconds,
        otherwise=lambda: f"{open_sockets(site):g} sockets, and not {number}",
    )


def memory(process):
    """Return how much memory the process group uses, in bytes."""
    pages = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == process.group:
                pages += int(fields[21])
    assert pages
    return pages * os.sysconf("SC_PAGE_SIZE")


def frame(opcode, payload=b"", *, fin=True, masked=True, length=None):
    """Return a WebSocket frame (RFC 6455). The options can make the frame invalid."""
    length = len(payload) if length is None else length
    size = struct.pack("!BB", fin << 7 | opcode, masked << 7 | 127)
    key = b"\0\0\0\0" if masked else b""
    return size + struct.pack("!Q", length) + key + payload


def raw_socket(person, buffer=0):
    """Open the person's WebSocket, and return it as a plain TCP socket."""
    address = urlsplit(person.site.url)
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(20)
    connection.connect((address.hostname, address.port))
    connection.sendall(
        "GET /ws/search/ HTTP/1.1\r\n"
        f"Host: {address.netloc}\r\nOrigin: {person.site.url}\r\n"
        f"Cookie: {person.cookie_header}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += connection.recv(1)
    assert b" 101 " in answer
    return connection


def code_of_close(connection):
    """Return the code of the server's close frame, or None without such a frame."""
    stream = connection.makefile("rb")
    while start := stream.read(2):
        size = start[1]
        if size > 125:
            size = int.from_bytes(stream.read(2 if size == 126 else 8), "big")
        payload = stream.read(size)
        if start[0] == 0x88:
            return int.from_bytes(payload[:2], "big")
    return None


SENT = [
    ("a text", frame(1, b"hello"), POLICY_VIOLATION),
    ("bytes", frame(2, b"\xff" * 100), POLICY_VIOLATION),
    ("many frames", frame(1, b"{}") * 10_000, POLICY_VIOLATION),
    ("a huge frame", frame(1, b"x" * 2000), TOO_BIG),
    ("a frame without end", frame(1, length=2**62), TOO_BIG),
    ("pieces", frame(1, b"x" * 900, fin=False) + frame(0, b"x" * 900), TOO_BIG),
    ("an unmasked frame", frame(1, b"x", masked=False), BROKEN),
    ("a piece of nothing", frame(0, b"x"), BROKEN),
    ("an unknown kind", frame(3, b"x"), BROKEN),
    ("a long ping", frame(9, b"x" * 126), BROKEN),
    ("no UTF-8", frame(1, b"\xff\xfe"), NOT_TEXT),
    ("no frame", b"GET / HTTP/1.1\r\n\r\n" * 10, BROKEN),
]


@pytest.mark.fault(22, "clients read nothing, or send huge, invalid or many frames")
def test_the_socket_of_a_client_that_sends_frames_is_closed(shared_app):
    site, web = shared_app.site, shared_app.project.running["web"]
    person, other = Person(site), Person(site)
    before, lines = memory(web), len(web.lines)
    with other.open_socket() as others:
        for what, sent, code in SENT:
            with raw_socket(person) as connection:
                with contextlib.suppress(ConnectionError):
                    connection.sendall(sent)
                assert code_of_close(connection) == code, what
        others.ping().wait(5)
        task_id = other.search("Does this harm anybody?")
        assert wait_for_frame(others, task_id)["status"] == "done"
    assert memory(web) - before < 20 * MIB
    assert "Exception in ASGI application" not in str(web.lines[lines:])


@pytest.mark.fault(22, "clients read nothing, or send huge, invalid or many frames")
def test_the_socket_of_a_client_that_reads_nothing_is_closed(run_app, chromium):
    running = run_app({"search/consumers.py": f"\nPATIENCE = {PATIENCE}\n"})
    site, web = running.site, running.project.running["web"]
    page = open_page(chromium.new_context(), site)
    deaf, gone, other = [Person(site) for _ in range(3)]
    groups = {p: channel_of(user_id(p)) for p in (deaf, gone)}
    client = redis.Redis.from_url(site.redis_url)
    message = msgpack.packb(
        {"type": "send_search_result", "data": {"chunk": "x" * (MIB // 4)}}
    )
    with other.open_socket() as others, raw_socket(deaf, 4096), raw_socket(deaf, 4096):
        leaving = raw_socket(gone, 4096)
        wait_for_sockets(site, 5)
        before = memory(web)
        # Send more than the buffers of both ends can store, but less than 32 MiB. With
        # more, Redis disconnects a subscriber. The clients do not read a byte.
        for group in groups.values():
            for _ in range(40):
                assert client.publish(group, message) == 1
        task_id = other.search("Does this hold up anybody?")
        assert wait_for_frame(others, task_id)["status"] == "done"

        leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        leaving.close()  # in the middle of a frame
        wait_for_sockets(site, 4, 8)
        wait_for_sockets(site, 2)
        wait_until(
            lambda: not site.subscribed_groups() & set(groups.values()),
            seconds=5,
            otherwise=lambda: f"still there: {site.subscribed_groups()}",
        )
        others.ping().wait(5)
        expect_state(page, "Live")
        assert memory(web) - before < 60 * MIB


@pytest.mark.fault(22, "clients read nothing, or send huge, invalid or many frames")
def test_unfinished_requests_do_not_block_other_clients(shared_app):
    site, slow = shared_app.site, Person(shared_app.site)
    address = urlsplit(site.url)
    start = f" / HTTP/1.1\r\nHost: {address.netloc}\r\n"
    # Without a cookie, the server would reject the form before reading its body.
    start += f"Cookie: {slow.cookie_header}\r\nContent-Type: "
    form = "application/x-www-form-urlencoded\r\nContent-Length: 9999\r\n\r\nquery="
    with contextlib.ExitStack() as stack:
        for half in (f"GET{start}", f"POST{start}{form}", "") * 60:
            connection = socket.create_connection((address.hostname, address.port))
            stack.enter_context(connection)
            connection.sendall(half.encode())
        person = Person(site)
        task_id = person.search("Is anybody held up?")
        assert person.wait_for_end(task_id)["status"] == "done"


@pytest.mark.fault(22, "clients read nothing, or send huge, invalid or many frames")
def test_a_huge_request_is_rejected(shared_app):
    site = shared_app.site
    web = shared_app.project.running["web"]
    person, before = Person(site), memory(web)
    address = urlsplit(site.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.settimeout(20)
        head = f"POST / HTTP/1.1\r\nHost: {address.netloc}\r\n"
        head += f"Cookie: {person.cookie_header}\r\nContent-Length: {500 * MIB}\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 100_000)
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
        with pytest.raises(ConnectionError):
            while True:
                connection.sendall(b"x" * MIB)
    assert memory(web) - before < 20 * MIB
