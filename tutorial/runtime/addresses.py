"""The IPv4 addresses of this machine, for a server that other machines may reach."""

import contextlib
import socket
from collections.abc import Iterator

from tutorial.problem import Problem

HERE = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - only a user can choose it

# An address in each private network (RFC 1918), and a public one. We send nothing to
# them: a UDP socket that connects to one of them only shows which address of this
# machine it would use.
DESTINATIONS = ("192.168.255.1", "10.255.255.1", "172.31.255.1", "198.51.100.1")


def own_addresses() -> list[str]:
    """Return the addresses at which others may reach this machine, likeliest first."""
    found = dict.fromkeys(_source_addresses())
    return [address for address in found if not address.startswith("127.")]


def _source_addresses() -> Iterator[str]:
    for destination in DESTINATIONS:
        probe = socket.socket(type=socket.SOCK_DGRAM)
        # If there is no route to `destination`, the system refuses to connect.
        with probe, contextlib.suppress(OSError):
            probe.connect((destination, 9))
            yield probe.getsockname()[0]
    with contextlib.suppress(OSError):  # the machine may not know its own name
        yield from socket.gethostbyname_ex(socket.gethostname())[2]


def check_address(host: str) -> None:
    """Raise Problem if no server of this machine can listen on the address `host`."""
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            known = ", ".join([HERE, *own_addresses()])
            raise Problem(
                f"This machine has no address {host}. It has {known}.\n"
                f"To listen on all of them: --host {EVERYWHERE}"
            ) from None


def urls(host: str, port: int) -> list[str]:
    """Return the URLs of a server that listens on `host`.

    The first URL is the best one for other machines.
    """
    hosts = [*own_addresses(), HERE] if host == EVERYWHERE else [host]
    return [f"http://{one}:{port}/" for one in hosts]
