"""Three machines with a Redis and a Sentinel each, set up as the page says.

They are copies of one machine and share its network. Their addresses are therefore
127.0.0.11 to 127.0.0.13 in place of 10.0.0.1 to 10.0.0.3; the ports are those of the
page.
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
    """The commands with the addresses of the copies."""
    return re.sub(r"\b10\.0\.0\.(?=\d\b)", "127.0.0.1", block)


class RedisMachine(Shell):
    """One of the three machines."""

    def __init__(self, number: int, machine: Machine, address: object) -> None:
        super().__init__(machine, address)
        self.own = f"10.0.0.{number}"  # its address on the page

    def introduce(self, block: str, password: str) -> None:
        """Set its address and the password."""
        block, count = re.subn(r"^address=\S+", f"address={self.own}", block)
        assert count == 1
        self.type(here(block), f"{password}\n")

    def install(self, block: str) -> None:
        """Install Redis and Sentinel.

        A real machine has one address in the private network, which its connections
        come from. Here, both programs need to have that address configured.
        """
        bind = '"bind $address"'
        assert block.count(bind) == 2  # of Redis and of the Sentinel
        self.type(block.replace(bind, f'{bind} "bind-source-addr $address"'))

    def master(self) -> str:
        """The address of the master that its Sentinel knows."""
        command = "sentinel get-master-addr-by-name search"
        return self.type(f'redis-cli -h "$address" -p 26379 {command}').split()[0]

    def role(self) -> str:
        """The role of its Redis, "master" or "slave"; "away" if it does not answer."""
        command = '--no-auth-warning -a "$redis_password" role'
        return self.type(f'redis-cli -h "$address" {command} || echo away').split()[0]

    def signal(self, name: str, service: str) -> None:
        """Send a signal to one of its services."""
        self.machine.run(f"kill -{name} $(cat /run/{service}.pid)")


@contextmanager
def redis_machines(folder: Path, address: Path) -> Iterator[list[RedisMachine]]:
    """The machines, with nothing installed."""

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
    """Install Redis and Sentinel on each of them; the first one is the master."""
    first, *others = machines
    first.install(block)
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda machine: machine.install(block), others))
