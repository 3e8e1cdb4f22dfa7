"""Three machines, each with a Redis and a Sentinel, set up as docs/deploy.md says.

They are copies of one machine, and share its network. Their addresses are therefore
127.0.0.11 to 127.0.0.13, in place of 10.0.0.1 to 10.0.0.3 on the page. The ports are
the same as on the page.
"""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.machine import Machine
from support.machine.shell import Shell

NUMBERS = (1, 2, 3)


def here(block: str) -> str:
    """Return the page's commands with the addresses of the three copies."""
    return re.sub(r"\b10\.0\.0\.(?=\d\b)", "127.0.0.1", block)


class RedisMachine(Shell):
    """One of the three machines."""

    def __init__(self, number: int, machine: Machine, address: object) -> None:
        super().__init__(machine, address)
        self.own = f"10.0.0.{number}"  # its address on the page

    def introduce(self, block: str, password: str) -> None:
        """Type the block that sets the machine's address and the password."""
        block, count = re.subn(r"^address=\S+", f"address={self.own}", block)
        assert count == 1
        self.type(here(block), f"{password}\n")

    def install(self, block: str) -> None:
        """Install Redis and Sentinel on the machine.

        A real machine has one address in the private network, and its connections come
        from this address. Here, both programs need a line with this address in their
        settings.
        """
        bind = '"bind $address"'
        assert block.count(bind) == 2  # one for Redis and one for Sentinel
        self.type(block.replace(bind, f'{bind} "bind-source-addr $address"'))

    def master(self) -> str:
        """Return the address of the master, as the machine's Sentinel knows it."""
        command = "sentinel get-master-addr-by-name search"
        return self.type(f'redis-cli -h "$address" -p 26379 {command}').split()[0]

    def role(self) -> str:
        """Return the role of the machine's Redis: "master" or "slave".

        Return "away" if Redis does not answer.
        """
        command = '--no-auth-warning -a "$redis_password" role'
        return self.type(f'redis-cli -h "$address" {command} || echo away').split()[0]

    def signal(self, name: str, service: str) -> None:
        """Send a signal to one of the machine's services."""
        self.machine.run(f"kill -{name} $(cat /run/{service}.pid)")


@contextmanager
def redis_machines(folder: Path, address: Path) -> Iterator[list[RedisMachine]]:
    """Make three new, empty machines. Discard them after the `with` block."""

    def make(number: int) -> Machine:
        own = folder / str(number)
        own.mkdir()
        return machines.enter_context(Machine(own, address, ports=()))

    with ExitStack() as machines, ThreadPoolExecutor() as threads:
        made = list(threads.map(make, NUMBERS))
        yield [
            RedisMachine(*found, address) for found in zip(NUMBERS, made, strict=True)
        ]


def install_all(machines: Iterable[RedisMachine], block: str) -> None:
    """Install Redis and Sentinel on each machine. The first one becomes the master."""
    first, *others = machines
    first.install(block)
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda machine: machine.install(block), others))
