"""Check the other kinds of addresses in REDIS_URL: TLS, a Unix socket and Sentinel."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.app.person import Person, wait_for_frame
from support.app.start import start_app
from support.app.tls import AUTHORITY, tls_to
from tutorial.project import steps
from tutorial.runtime.exclusive import free_port, listens
from tutorial.runtime.processes import Processes
from tutorial.runtime.services import find_redis
from tutorial.runtime.waiting import wait_until

PASSWORD = "a$b/c?d[e]%41#f@g"


class Services(ExitStack):
    """The services that a test starts. All of them end when the `with` block ends."""

    def __init__(self) -> None:
        super().__init__()
        self.processes = self.enter_context(Processes(lambda name, line: None))


def by_tls(services: Services, folder: Path) -> str:
    """Start a Redis server with TLS, and return its address.

    A private authority has signed the certificate of the server.
    """
    port = free_port()
    start(services, folder, "--port", str(port))
    wait_until(lambda: listens(port), seconds=10, otherwise="Redis does not listen")
    tls = services.enter_context(tls_to(port, folder))
    return f"rediss://127.0.0.1:{tls}/3?ssl_ca_certs={folder / AUTHORITY}"


def at_a_socket(services: Services, folder: Path) -> str:
    """Start a Redis server that listens only on a Unix socket. Return its address."""
    path = folder / "redis.sock"
    start(services, folder, "--port", "0", "--unixsocket", str(path))
    wait_until(path.exists, seconds=10, otherwise="Redis does not listen")
    return f"unix://{path}?db=3"


def behind_a_sentinel(services: Services, folder: Path) -> str:
    """Start a Redis server and a Sentinel, and return the address of the Sentinel."""
    redis, port = free_port(), free_port()
    start(services, folder, "--port", str(redis))
    config = folder / "sentinel.conf"
    config.write_text(
        f"port {port}\ndir {folder}\n"
        f"sentinel monitor mymaster 127.0.0.1 {redis} 1\n"
        f'sentinel auth-pass mymaster "{PASSWORD}"\n'
    )
    services.processes.start(
        "sentinel",
        [str(find_redis()), str(config), "--sentinel"],
        folder=folder,
        environment=os.environ,
    )
    wait_until(
        lambda: listens(redis) and listens(port), seconds=10, otherwise="no sentinel"
    )
    # Nothing listens at the first address, as if one of two Sentinels were down.
    return f"sentinel://127.0.0.1:{free_port()},127.0.0.1:{port}/mymaster/3"


def start(services: Services, folder: Path, *options: str) -> None:
    """Start a Redis server that requires the password."""
    command = [str(find_redis()), "--bind", "127.0.0.1", "--save", "", *options]
    command += ["--dir", str(folder), "--requirepass", PASSWORD]
    services.processes.start("redis", command, folder=folder, environment=os.environ)


@pytest.fixture
def services() -> Iterator[Services]:
    with Services() as started:
        yield started


@pytest.mark.slow(10)
@pytest.mark.parametrize("launch", [by_tls, at_a_socket, behind_a_sentinel])
def test_the_app_and_its_commands_work_with_each_kind_of_address(
    services, tmp_path, launch
):
    (tmp_path / "redis").mkdir()
    url = launch(services, tmp_path / "redis")
    running = start_app(tmp_path, {"REDIS_URL": url, "REDIS_PASSWORD": PASSWORD})
    try:
        person = Person(running.site)
        with person.open_socket() as socket:
            task_id = person.search("Where is Redis?")
            assert wait_for_frame(socket, task_id)["status"] == "done"
            groups = running.project.manage("show_groups")
            assert "groups with subscribers: 1\n" in groups.stdout, groups.stderr
        queue = running.project.manage("show_queue")
        assert "0 waiting" in queue.stdout, queue.stderr
        # The worker got the message. Without the message, the worker would have found
        # the search later, in a periodic round, and logged that it "was overlooked".
        assert not any("was overlooked" in line for _, line in running.log)
        assert PASSWORD not in str(running.log)
    finally:
        running.stop()


@pytest.mark.parametrize(
    "option, reason",
    [
        ("", "The certificate of Redis is refused: "),
        ("?ssl_ca_certs=missing.pem", "REDIS_URL names a file that does not exist"),
    ],
)
def test_an_untrusted_certificate_or_a_missing_file_is_reported(
    services, tmp_path, option, reason
):
    url = by_tls(services, tmp_path).partition("?")[0] + option
    result = subprocess.run(
        [sys.executable, "manage.py", "show_queue"],
        cwd=steps.find("final").folder,
        env=os.environ
        | {"DEBUG": "1", "REDIS_URL": url, "REDIS_PASSWORD": PASSWORD}
        | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert reason in result.stderr
    assert PASSWORD not in result.stderr
