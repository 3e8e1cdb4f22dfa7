"""Tests of `tutorial run --map`, started as a user starts it."""

import signal
import socket
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

from support.folders import make
from support.runner import END
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.project import state_folder


def everything_below(folder: Path) -> set[str]:
    """Return the paths of all files and folders below the folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.slow(12)
def test_run_with_a_map_prints_its_address_and_cleans_up_at_the_end(start, tmp_path):
    folder = tmp_path / "mine"
    make(folder, "3")
    before = everything_below(folder)
    port = free_port()
    runner = start(str(folder), "--map", "--map-port", str(port))
    runner.wait_for("Ready in")
    assert f"  Map     http://127.0.0.1:{port}\n" in runner.output
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/events") as stream:
        assert stream.readline().startswith(b"data: {")
        runner.child.send_signal(signal.SIGINT)
        assert runner.child.wait(timeout=END) == 128 + signal.SIGINT
        assert b"" in stream.read().splitlines(), "the stream ended inside an event"
    runner.wait_until_nothing_is_left()
    for word in ("Traceback", "ASGI callable", "Exception"):
        assert word not in runner.output
    assert everything_below(folder) - before == {"db.sqlite3"}
    assert not (state_folder(folder) / "events").exists()


def test_a_port_that_is_taken_is_reported(start):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        runner = start("1", "--map", "--map-port", port)
        assert runner.child.wait(timeout=30) != 0
    assert f"Port {port} is not available" in runner.output
    assert "--map-port" in runner.output
    assert "Traceback" not in runner.output


@pytest.mark.lab
@pytest.mark.slow(12)
def test_after_a_save_the_map_shows_old_code_then_a_restart(start, tmp_path, chromium):
    folder = make(tmp_path / "mine", "4")
    port = free_port()
    runner = start(str(folder), "--map", "--map-port", str(port))
    runner.wait_for("Ready in")
    page = chromium.new_page()
    page.goto(f"http://127.0.0.1:{port}")
    processes = page.locator("#processes")
    expect(processes).to_contain_text("worker running")
    tasks = folder / "search" / "tasks.py"
    tasks.write_text(tasks.read_text() + "\n# A comment.\n")
    expect(processes).to_contain_text("runs older code", timeout=15_000)
    expect(processes).to_contain_text("running, start 2", timeout=15_000)
