"""Messages about problems that prevent a user from seeing the first page.

Each test causes one of these problems, and checks that a message explains it.
"""

import ctypes
import fcntl
import hashlib
import http.server
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from support.program import check_message, tutorial
from tutorial.paths import ROOT
from tutorial.runtime import environment, tunnel
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.waiting import wait_until

ENSURE = "from tutorial.cli import use_utf8\nfrom tutorial.runtime import environment\n"
ENSURE += "environment.ensure('redis')"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}


@pytest.fixture
def index() -> Iterator[str]:
    """Yield the address of a package index whose certificate no client trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    handler = http.server.SimpleHTTPRequestHandler
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_address[1]}/simple/"
        server.shutdown()


def installer(clone: Path, **variables: str) -> subprocess.Popen:
    """Start a process that installs the packages of the set `redis` in the clone."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
    return subprocess.Popen(
        [sys.executable, "-c", ENSURE],
        cwd=clone,
        env=inherited | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_an_unknown_certificate_of_the_package_index_is_explained(fresh_clone, index):
    variables = {"PIP_INDEX_URL": index, "PIP_CONFIG_FILE": os.devnull}
    child = installer(fresh_clone, **variables, PATH="/usr/bin:/bin")
    output, _ = child.communicate(timeout=120)
    assert child.returncode
    assert "the certificate of the package index, or of a proxy" in output
    assert "export PIP_CERT=/path/to/it.pem" in output
    assert "No matching distribution" not in output


def test_a_process_waits_while_another_one_installs_packages(fresh_clone):
    venv = fresh_clone / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    (venv / environment.PLACE.name).write_text(str(venv.resolve()))
    pins = fresh_clone / "requirements"
    with (pins / "run.txt").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        child = installer(fresh_clone)
        said = child.stdout.readline()
        # Record the packages as installed while the installer waits for the lock.
        digest = hashlib.sha256((pins / "redis.txt").read_bytes()).hexdigest()
        (venv / ".tutorial-redis").write_text(digest)
    rest, _ = child.communicate(timeout=60)
    assert said.startswith("Another process of the tutorial is installing packages")
    assert (rest, child.returncode) == ("", 0)


@pytest.mark.lab
def test_two_first_starts_at_the_same_time_install_only_once(fresh_clone):
    """The second process says that it waits, and installs nothing itself."""
    first = installer(fresh_clone)
    lock = fresh_clone / "requirements" / "run.txt"

    def is_locked() -> bool:
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return first.poll() is not None

    wait_until(is_locked, seconds=60, otherwise="the first process installs nothing")
    second = installer(fresh_clone)
    outputs = [child.communicate(timeout=240)[0] for child in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert "Making .venv" in outputs[0]
    assert outputs[1].startswith("Another process of the tutorial is installing")
    assert len(outputs[1].splitlines()) == 1


def drop_override() -> None:
    """Make root obey the permissions of files, as all other users must."""
    if os.geteuid() == 0:
        drop_from_bounding_set, override = 24, 1
        ctypes.CDLL(None).prctl(drop_from_bounding_set, override, 0, 0, 0)


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], None]]:
    """Yield a function that makes a folder read-only until the end of the test."""
    folders: list[Path] = []

    def protect(folder: Path) -> None:
        folders.append(folder)
        folder.chmod(0o555)

    yield protect
    for folder in folders:
        folder.chmod(0o755)


@pytest.mark.parametrize("is_installed", [False, True])
def test_run_says_why_if_the_tutorials_folder_is_read_only(
    fresh_clone, read_only, is_installed
):
    if is_installed:
        (fresh_clone / ".venv").symlink_to(ROOT / ".venv")
    read_only(fresh_clone)
    result = subprocess.run(
        [sys.executable, "-m", "tutorial", "run", "--port", str(free_port())],
        cwd=fresh_clone,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=drop_override,
    )
    check_message(result, "tutorial's folder: Permission denied", "of your own")
    assert "apt" not in result.stderr


@pytest.mark.parametrize(
    "arguments", [["diff", "2", "3"], ["run", "no-such-földer"], ["check", "x…y"]]
)
def test_the_output_is_the_same_in_a_locale_without_utf_8(arguments):
    result = tutorial(*arguments, **ASCII)
    expected = tutorial(*arguments)
    assert result.stdout == expected.stdout
    assert result.stderr == expected.stderr


def test_a_folder_name_that_is_not_utf_8_is_printed_with_escapes(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    for step in ("2", str(folder)):
        result = tutorial("new", str(folder), "1")
        assert "Traceback" not in result.stderr, step
    assert "caf\\udce9" in tutorial("diff", str(folder), "1").stdout + result.stderr


@pytest.mark.lab
def test_run_works_in_a_locale_without_utf_8(start):
    runner = start("7", **ASCII)
    runner.wait_for("Ready in")
    runner.child.send_signal(signal.SIGINT)
    runner.wait_until_nothing_is_left()
    assert "Error" not in runner.output
    assert "UnicodeEncodeError" not in runner.output


def script(folder: Path, name: str, text: str) -> str:
    """Make a program that prints the text; return a PATH that contains its folder."""
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{text}'\n")
    program.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("mode", ["mirrored", "nat"])
def test_the_message_about_a_taken_port_mentions_windows_if_wsl_shares_ports(
    tmp_path, mode
):
    """A script replaces `wslinfo`, the program of WSL that prints the network mode."""
    path = script(tmp_path, "wslinfo", mode)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = tutorial("run", "1", "--port", str(port), PATH=path)
    check_message(result, f"Port {port} is not available")
    words = "This WSL shares its ports with Windows"
    assert (words in result.stderr) is (mode == "mirrored")


def test_run_prints_an_ssh_command_for_a_browser_on_another_machine(start):
    """The command contains the ports of the page and of the map."""
    port = free_port()
    connection = "198.51.100.7 50022 192.0.2.10 2222"
    options = {"SSH_CONNECTION": connection, "USER": "ada", "TERM_PROGRAM": ""}
    runner = start("1", "--map", "--map-port", str(port), **options)
    runner.wait_for("Is your browser on another machine?")
    ports = f"-L {runner.port}:127.0.0.1:{runner.port} -L {port}:127.0.0.1:{port}"
    runner.wait_for(f"  ssh -N {ports} -p 2222 ada@192.0.2.10\n")


@pytest.mark.parametrize(
    ("variables", "command"),
    [
        ({"SSH_CONNECTION": ""}, None),
        ({"TERM_PROGRAM": "vscode"}, None),
        ({}, "ssh -N -L 8001:127.0.0.1:8001 ada@192.0.2.10"),
        ({"USER": ""}, "ssh -N -L 8001:127.0.0.1:8001 192.0.2.10"),
    ],
)
def test_the_ssh_command_depends_on_the_environment_variables(
    monkeypatch, variables, command
):
    for name in ("TERM_PROGRAM", "LOGNAME"):
        monkeypatch.delenv(name, raising=False)
    known = {"SSH_CONNECTION": "198.51.100.7 50022 192.0.2.10 22", "USER": "ada"}
    for name, value in (known | variables).items():
        monkeypatch.setenv(name, value)
    assert tunnel.command(8001) == command
