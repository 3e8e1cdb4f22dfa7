"""`prepare` and `pack` make it possible to use the tutorial without internet.

The tests install all packages from a package index, which takes minutes.
"""

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pip._internal.models.index import PyPI
from playwright.sync_api import expect

from support.website import search
from tutorial.offline.wheels import PYTHONS
from tutorial.runtime import environment, installer
from tutorial.runtime.bundle import this_target
from tutorial.runtime.exclusive import free_port

# Run these tests in the same test process, because they share the packs.
pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow(300),
    pytest.mark.xdist_group("offline"),
]

READY = "Ready for a day without internet."

# The beginning of a command line. The rest of the line is a command that runs without a
# network: the command can reach only this machine.
WITHOUT_NETWORK = [
    "unshare",
    "--net",
    "sh",
    "-c",
    'ip link set lo up && exec "$@"',
    "sh",
]

# A script that starts a program, and sends SIGINT when the program has printed a word.
# The arguments are the word and the command of the program.
UNTIL = """
import signal, subprocess, sys
child = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT, text=True,
    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
for line in child.stdout:
    print(line, end="")
    if sys.argv[1] in line:
        child.send_signal(signal.SIGINT)
"""


def variables(home: Path) -> dict[str, str]:
    """Return the environment of a user who has no pip settings."""
    kept = ("PATH", "TUTORIAL_BROWSER", "LANG")
    found = {name: os.environ[name] for name in kept if name in os.environ}
    return found | {"HOME": str(home), "PIP_CONFIG_FILE": os.devnull}


def call(
    folder: Path, command: list[str], env: dict | None = None, seconds: int = 900
) -> str:
    """Run the command, which must succeed; return what it prints."""
    result = subprocess.run(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


PROGRAM = [sys.executable, "-m", "tutorial"]


def test_prepare_installs_all_packages_in_a_fresh_clone(fresh_clone):
    said = call(fresh_clone, [*PROGRAM, "prepare"])
    packages, megabytes = installer.amount(*environment.SETS)
    assert f"{packages} packages, about {megabytes} MB to download" in said
    assert said.splitlines()[-1] == READY
    again = call(fresh_clone, [*PROGRAM, "prepare"])
    assert "Installing" not in again
    assert again.splitlines()[-1] == READY


@pytest.fixture(scope="module")
def packs(tmp_path_factory) -> list[Path]:
    """Make two packs of this clone for this machine."""
    folder = tmp_path_factory.mktemp("packs")
    files = [folder / "one.zip", folder / "two.zip"]
    for file in files:
        call(
            Path.cwd(), [*PROGRAM, "pack", str(file), "--python", this_target().python]
        )
    return files


@pytest.fixture
def unpacked(packs, tmp_path) -> Path:
    """Unpack a pack as a learner does, without git; return the folder."""
    subprocess.run(["unzip", "-q", str(packs[0])], cwd=tmp_path, check=True)
    return tmp_path / "tutorial"


def test_two_packs_of_the_same_clone_are_identical(packs):
    digests = {hashlib.sha256(file.read_bytes()).hexdigest() for file in packs}
    assert len(digests) == 1


def test_a_pack_names_no_package_index(packs):
    """A pack names neither the default index nor one from this machine's settings."""
    settings = call(Path.cwd(), [sys.executable, "-m", "pip", "config", "list"])
    settings += " ".join(
        v for k, v in os.environ.items() if k.startswith(("PIP", "UV"))
    )
    hosts = set(re.findall(r"https?://(?:[^@/\s]*@)?([^/:'\s]+)", settings))
    usual = {PyPI.simple_url.partition("//")[2], PyPI.file_storage_domain}
    with zipfile.ZipFile(packs[0]) as archive:
        own = [name for name in archive.namelist() if not name.endswith(".whl")]
        assert not [n for n in own if n.endswith(("direct_url.json", "pip.conf"))]
        for name in own:
            content = archive.read(name)
            for host in {*hosts, *usual}:
                assert host.encode() not in content, (name, host)
            assert str(Path.cwd()).encode() not in content, name


def test_the_estimated_size_of_the_download_is_right(packs):
    with zipfile.ZipFile(packs[0]) as archive:
        wheels = [one for one in archive.infolist() if one.filename.endswith(".whl")]
    megabytes = sum(one.file_size for one in wheels) / 1e6
    estimate = installer.amount(*environment.SETS)[1]
    assert estimate * 0.8 < megabytes < estimate * 1.2


def test_a_pack_is_all_that_a_machine_without_network_needs(packs, unpacked, tmp_path):
    env = variables(tmp_path)
    without = functools.partial(call, unpacked, env=env)
    until = [*WITHOUT_NETWORK, sys.executable, "-c", UNTIL]

    site = without([*until, "Ready:", *PROGRAM, "docs", "--port", str(free_port())])
    assert "Serving the site from the pack" in site
    assert "Installing" not in site

    ran = without([*until, "Ready in", *PROGRAM, "run", "--port", str(free_port())])
    assert "(run) from the pack  done" in ran
    assert "Ready in" in ran

    checked = without([*WITHOUT_NETWORK, *PROGRAM, "check", "7"])
    assert "(test) from the pack  done" in checked
    assert "passed  7 browser" in checked

    prepared = without([*WITHOUT_NETWORK, *PROGRAM, "prepare"])
    assert prepared.splitlines()[-1] == READY

    # Without a network, the unpacked folder can be packed again. The new pack has the
    # same bytes.
    python = this_target().python
    without([*WITHOUT_NETWORK, *PROGRAM, "pack", "../again.zip", "--python", python])
    assert (tmp_path / "again.zip").read_bytes() == packs[0].read_bytes()


def error_of_run(unpacked: Path, home: Path) -> str:
    """Run `tutorial run` in the unpacked pack without a network; return its error."""
    result = subprocess.run(
        [*WITHOUT_NETWORK, *PROGRAM, "run"],
        cwd=unpacked,
        env=variables(home),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    return result.stderr


def test_a_pack_for_another_python_is_reported(unpacked, tmp_path):
    python = this_target().python
    other = next(one for one in PYTHONS if one != python)
    description = unpacked / "wheels" / "pack.json"
    description.write_text(description.read_text().replace(python, other))
    error = error_of_run(unpacked, tmp_path)
    assert f"with Python {other}, but not for" in error
    assert "no connection to the package index" in error


def test_a_damaged_pack_is_reported(unpacked, tmp_path):
    wheel = next((unpacked / "wheels").glob("django-5*.whl"))
    wheel.write_bytes(b"x")
    error = error_of_run(unpacked, tmp_path)
    assert "The pack is damaged: " in error
    assert "no connection to the package index" in error


def test_the_search_of_the_documentation_works_in_a_pack(unpacked, chromium):
    shutil.rmtree(unpacked / ".venv", ignore_errors=True)
    port = free_port()
    child = subprocess.Popen(
        [*PROGRAM, "docs", "--port", str(port)],
        cwd=unpacked,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        while "Ready:" not in child.stdout.readline():
            assert child.poll() is None
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        search(page, "visibility timeout").first.click()
        expect(page).to_have_url(re.compile(r"/\?h="))
    finally:
        child.terminate()
        child.wait(timeout=20)
