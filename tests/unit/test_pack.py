"""`pack` checks its arguments, selects packages and files, and writes a zip file."""

import os
import resource
import signal
import subprocess
import sys
import zipfile

import pytest
from packaging.requirements import Requirement

from support.program import check_message, tutorial
from tutorial.offline import archive, sources, wheels
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.runtime import bundle
from tutorial.runtime.bundle import Target


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pack.zip", "--for", "windows"], "A pack cannot be made for windows"),
        (
            ["pack.zip", "--for", "linux-x86_64,"],
            "A pack cannot be made for an empty name",
        ),
        (
            ["pack.zip", "--python", "3.9"],
            "separated by commas: 3.11, 3.12, 3.13, 3.14",
        ),
        (["pack.tar"], "Call it pack.tar.zip"),
        (["nowhere/pack.zip"], "in a folder that does not exist"),
    ],
)
def test_wrong_arguments_are_reported(arguments, words):
    check_message(tutorial("pack", *arguments), words)
    assert not (ROOT / "pack.zip").exists()


def test_an_existing_file_is_not_overwritten(tmp_path):
    file = tmp_path / "pack.zip"
    file.write_text("mine")
    check_message(tutorial("pack", str(file)), "exists already", "--force")
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("pin", "platform", "python", "is_needed"),
    [
        ("a==1", "linux-x86_64", "3.11", True),
        ("a==1 ; python_full_version < '3.11.3'", "linux-x86_64", "3.11", True),
        ("a==1 ; python_full_version < '3.11.3'", "linux-x86_64", "3.12", False),
        ("a==1 ; python_full_version >= '3.11.5'", "linux-x86_64", "3.11", True),
        ("a==1 ; sys_platform == 'win32'", "macos-arm64", "3.12", False),
        ("a==1 ; sys_platform == 'darwin'", "macos-arm64", "3.12", True),
        ("a==1 ; platform_machine == 'aarch64'", "linux-aarch64", "3.12", True),
        ("a==1 ; implementation_name == 'pypy'", "linux-x86_64", "3.12", False),
    ],
)
def test_the_environment_marker_of_a_pin_is_evaluated_for_the_target_machine(
    pin, platform, python, is_needed
):
    assert wheels.is_needed(Requirement(pin), Target(platform, python)) is is_needed


def test_a_pack_has_the_pins_for_all_patch_releases_of_python_3_11():
    old, new = (wheels.pins_for(Target("linux-x86_64", v)) for v in ("3.11", "3.12"))
    assert {"async-timeout==5.0.1"} <= old.keys() - new.keys()
    assert all("--hash=sha256:" in line for line in [*old.values(), *new.values()])


def test_a_pack_for_another_machine_is_reported_and_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "WHEELS", tmp_path)
    mine, other = Target("linux-x86_64", "3.12"), Target("macos-arm64", "3.12")
    assert bundle.misfit(mine) == ""
    (tmp_path / "pack.json").write_text(bundle.description([mine]))
    assert bundle.misfit(mine) == ""
    assert bundle.wheels_for(mine) == tmp_path
    assert bundle.wheels_for(other) is None
    assert bundle.misfit(other) == (
        "The pack has packages for linux-x86_64 with Python 3.12, but not for"
        " macos-arm64 with Python 3.12."
    )


def test_without_git_the_same_files_are_packed(fresh_clone, monkeypatch):
    for leftover in ("wheels/a.whl", "site/index.html", ".run/x", "x.pyc", "pack.zip"):
        (fresh_clone / leftover).parent.mkdir(exist_ok=True)
        (fresh_clone / leftover).write_text("")
    with_git = {name for name in sources.find().files if not name.startswith("tests/")}
    monkeypatch.setattr(sources, "ROOT", fresh_clone)
    assert set(sources.find().files) == with_git


def test_the_same_files_always_give_the_same_zip_file(tmp_path):
    program = tmp_path / "run"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    entries = {"b": b"b" * 1000, "a": program}
    for name in ("one.zip", "two.zip"):
        archive.write(tmp_path / name, entries)
        os.utime(program, (0, 0))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    subprocess.run(["unzip", "-q", "one.zip", "-d", "out"], cwd=tmp_path, check=True)
    assert os.access(tmp_path / "out" / "a", os.X_OK)
    assert not os.access(tmp_path / "out" / "b", os.X_OK)


# This program writes a zip file with three entries. It waits before each entry.
WRITES = """
import signal, sys
from pathlib import Path
from tutorial.offline import archive

class Slow(dict):
    def __getitem__(self, name):
        print(name, flush=True)
        sys.stdin.readline()
        return b"x"

signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
archive.write(Path(sys.argv[1]), Slow.fromkeys("abc"))
"""


def test_an_interrupted_pack_leaves_only_the_old_file(tmp_path):
    file = tmp_path / "pack.zip"
    file.write_text("the one before")
    child = subprocess.Popen(
        [sys.executable, "-c", WRITES, str(file)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "a\n"
    assert len(list(tmp_path.iterdir())) == 2
    child.send_signal(signal.SIGTERM)
    child.communicate()
    assert child.returncode == 143
    assert [path.name for path in tmp_path.iterdir()] == ["pack.zip"]
    assert file.read_text() == "the one before"


def test_a_full_disk_is_reported_and_no_file_is_left(tmp_path):
    """A limit on the file size simulates a full disk."""
    file = tmp_path / "pack.zip"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(Problem, match="was not written: File too large"):
            archive.write(file, {"a.whl": bytes(5000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not list(tmp_path.iterdir())


def test_the_zip_file_can_be_read(tmp_path):
    archive.write(tmp_path / "a.zip", {"x/y.txt": b"text"})
    with zipfile.ZipFile(tmp_path / "a.zip") as read:
        assert read.testzip() is None
        assert read.read("x/y.txt") == b"text"
