"""The app tells the operator why it cannot use Redis."""

import socket
import threading

import pytest
from redis.exceptions import RedisError

from config.redis_address import explain, find_misconfiguration, read_address

# How a server responds to the commands HELLO and INFO, in Redis' protocol.
OLD = {
    b"HELLO": b"-ERR unknown command `HELLO`, with args beginning with: `3`\r\n",
    b"INFO": b"$21\r\nredis_version:5.0.14\n\r\n",
}
LOCKED = {
    b"HELLO": b"-NOAUTH HELLO must be called with the client already authenticated\r\n"
}


@pytest.fixture
def start():
    """Return a function that starts a server with given responses.

    The function returns the address of the server.
    """
    servers = []

    def start_one(answers):
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        threading.Thread(target=serve, args=(server, answers), daemon=True).start()
        return read_address(f"redis://127.0.0.1:{server.getsockname()[1]}/0", "")

    yield start_one
    for server in servers:
        server.close()


def serve(server, answers):
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return  # the test has ended
        with connection:
            while command := connection.recv(4096):
                found = [text for name, text in answers.items() if name in command]
                connection.sendall(found[0] if found else b"+OK\r\n")


def test_a_redis_that_is_too_old_is_reported_with_its_version(start):
    address = start(OLD)
    assert find_misconfiguration(address) == (
        "Redis is too old (version 5.0.14): version 6.0 or later is required"
    )
    with pytest.raises(RedisError) as error:
        address.connect().ping()
    assert "5.0.14" in explain(error.value, address)


def test_a_missing_password_is_reported(start):
    assert find_misconfiguration(start(LOCKED)) == "Redis refuses the password"


def test_a_redis_that_is_down_is_not_a_misconfiguration():
    assert find_misconfiguration(read_address("redis://127.0.0.1:1/0", "")) is None


def test_an_invalid_option_of_the_address_is_reported():
    address = read_address("redis://127.0.0.1:1/0?socket_timeout=soon", "")
    assert find_misconfiguration(address) == "REDIS_URL cannot be used: ValueError"
