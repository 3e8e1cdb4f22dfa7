"""The pins hold for each Python from 3.11 on that this machine has."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tutorial import services
from tutorial.processes import wait_until
from tutorial.specifications.site import Site
from tutorial.specifications.stage_6_consumer import open_socket
from tutorial.specifications.visitor import Visitor

VERSIONS = ("3.11", "3.12", "3.13", "3.14")


def find_pythons() -> dict[str, str]:
    """The Pythons of this machine besides the one that runs, by version."""
    found = {}
    for version in VERSIONS:
        name = f"python{version}"
        versions = (
            Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
        )
        candidates = [shutil.which(name), *versions.glob(f"{version}.*/bin/{name}")]
        for candidate in filter(None, candidates):
            command = [
                candidate,
                "-c",
                "import ensurepip, sys; print(sys.version_info[:2])",
            ]
            result = subprocess.run(
                command, capture_output=True, text=True, check=False
            )
            if result.stdout.strip() == str(tuple(map(int, version.split(".")))):
                found[version] = str(candidate)
                break
    found.pop(f"{sys.version_info[0]}.{sys.version_info[1]}", None)
    return found


PYTHONS = find_pythons()


def test_the_pythons_that_were_found():
    """Says which versions this machine can try; the one that runs is tried by the rest."""
    print(
        f"\ntried besides {sys.version.split()[0]}: {', '.join(PYTHONS) or 'none here'}"
    )
    assert set(PYTHONS) <= set(VERSIONS)


@pytest.mark.parametrize("version", PYTHONS)
def test_step_7_installs_and_runs(version, fresh_clone):
    port = services.free_port()
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
        child.wait(timeout=10)
