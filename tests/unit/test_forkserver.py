"""A forked program behaves as if it had been started in a new Python process."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from support import forkserver
from tutorial.paths import ROOT, VENV
from tutorial.project import steps
from tutorial.project.files import copy_project
from tutorial.runtime.exclusive import free_port, listens
from tutorial.runtime.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")

TELL = """
import json, os, signal, sys, threading
signals = range(1, signal.NSIG)
print(json.dumps({
    "name": __name__,
    "arguments": sys.argv,
    "path": sys.path,
    "folder": os.getcwd(),
    "environment": dict(os.environ),
    "leads": os.getpgrp() == os.getpid() == os.getsid(0),
    "files": sorted(os.listdir("/proc/self/fd")),
    "threads": threading.active_count(),
    "handlers": [str(signal.getsignal(n)) for n in signals],
    "writes bytecode": not sys.dont_write_bytecode,
    "input": sys.stdin.read(),
    "encoding": sys.stdout.encoding,
    "errors": [sys.stdout.errors, sys.stderr.errors],
    "site": sys.modules.get("sitecustomize").__file__,
}))
"""

# After its last line, this program prints from threads, then from an exit handler.
GOES_ON = """
import atexit, sys, threading
from concurrent.futures import ThreadPoolExecutor
atexit.register(print, "the end")
is_over = threading.Event()
def go_on():
    is_over.wait(20)
    print("a thread, after the last line")
threading.Thread(target=go_on).start()
ThreadPoolExecutor(1).submit(go_on)
sys.stdout.reconfigure(write_through=False)
print("the last line")
threading.Timer(0.1, is_over.set).start()
"""

Popen = Callable[..., subprocess.Popen]


@pytest.fixture
def folder(tmp_path) -> Path:
    """Create a folder that contains programs, and a subfolder for PYTHONPATH."""
    (tmp_path / "tell.py").write_text(TELL)
    (tmp_path / "fails.py").write_text("print('so far', flush=True)\nopen('none')\n")
    (tmp_path / "ends.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "complains.py").write_text("import sys\nsys.exit('so it is')\n")
    (tmp_path / "goes_on.py").write_text(GOES_ON)
    (tmp_path / "waits.py").write_text(
        "import time\nprint('waits', flush=True)\ntime.sleep(60)\n"
    )
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "sitecustomize.py").write_text("")
    return tmp_path


def start(popen: Popen, args: str | list[str], folder: Path) -> subprocess.Popen:
    """Start a program in the folder, with additional environment variables."""
    environment = os.environ | {
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "inside"),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "NAME": "value",
    }
    return popen(
        args,
        shell=isinstance(args, str),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    "args",
    [
        ["python", "tell.py", "--one", "a b"],
        ["python", "-m", "tell", "--one"],
        "exec python tell.py $NAME ${NONE:-8000}",
    ],
)
def test_a_forked_program_finds_the_same_environment(folder, args):
    told = []
    for popen in (subprocess.Popen, forkserver.popen):
        with start(popen, args, folder) as child:
            output, errors = child.communicate(timeout=30)
        assert child.returncode == 0, errors
        told.append(json.loads(output))
        # A shell sets these variables itself, so they differ.
        for name in ("PWD", "OLDPWD", "SHLVL", "_"):
            told[-1]["environment"].pop(name, None)
    assert isinstance(child, forkserver.Forked)
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "program", ["fails.py", "ends.py", "complains.py", "goes_on.py"]
)
def test_a_forked_program_ends_like_a_new_process(folder, program):
    ends = []
    for popen in (subprocess.Popen, forkserver.popen):
        with start(popen, ["python", program], folder) as child:
            output, errors = child.communicate(timeout=30)
        last = errors.splitlines()[-1:]
        ends.append((child.returncode, output, errors.partition("\n")[0], last))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_forked_program_ends_if_its_group_gets_a_signal(folder, number):
    codes = []
    for popen in (subprocess.Popen, forkserver.popen):
        with start(popen, ["python", "waits.py"], folder) as child:
            assert child.stdout.readline() == "waits\n"
            assert child.poll() is None
            os.killpg(child.pid, number)
            codes.append(child.wait(timeout=30))
    assert codes[0] == codes[1] == -number


@pytest.mark.parametrize(
    "args",
    [
        "python tell.py; true",
        "python tell.py 'a b'",
        "python tell.py *.py",
        "NAME=other python tell.py",
        ["python", "-c", "print(1)"],
        ["/bin/sh", "-c", "true"],
    ],
)
def test_commands_that_cannot_be_forked_start_as_usual(folder, args):
    with start(forkserver.popen, args, folder) as child:
        child.communicate(timeout=30)
    assert not isinstance(child, forkserver.Forked)
    assert child.returncode == 0


def test_a_program_imports_its_own_file_instead_of_a_library(folder):
    (folder / "redis.py").write_text("")
    (folder / "tell.py").write_text("import redis; print(redis.__file__)")
    with start(forkserver.popen, ["python", "tell.py"], folder) as child:
        output, _ = child.communicate(timeout=30)
    assert Path(output.strip()) == folder / "redis.py"


ASKS = """
import os, subprocess, sys
from support import forkserver
child = forkserver.popen(
    ["python", "tell.py"], cwd=".", env=os.environ, stderr=subprocess.STDOUT, text=True
)
print(child.communicate()[0], end="")
print(type(child).__name__, child.wait())
"""


def test_a_program_that_a_test_starts_uses_the_same_fork_server(folder):
    (folder / "tell.py").write_text("import os; print(os.getppid())")
    (folder / "asks.py").write_text(ASKS)
    with start(forkserver.popen, ["python", "tell.py"], folder) as child:
        parent, _ = child.communicate(timeout=30)
    paths = os.pathsep.join([str(ROOT / "tests"), str(ROOT)])
    result = subprocess.run(
        [sys.executable, "asks.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": paths, "PATH": str(VENV / "bin")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    told = result.stdout.split()
    assert told == [parent.strip(), "Forked", "0"], result.stdout + result.stderr


def test_djangos_server_starts_again_after_a_save(tmp_path):
    statuses = [
        serve_and_save(popen, tmp_path / popen.__name__)
        for popen in (subprocess.Popen, forkserver.popen)
    ]
    assert statuses[0] == statuses[1]


def serve_and_save(popen: Popen, folder: Path) -> int:
    """Run Django's server until it has restarted, and return its exit status."""
    copy_project(steps.find("1").folder, folder)
    urls, port, errors = folder / "config" / "urls.py", free_port(), []

    def wait(condition: Callable[[], bool]) -> None:
        wait_until(condition, seconds=60, otherwise=lambda: "".join(errors))

    def has_started_again() -> bool:
        # Django misses a save in the first second after its server has started.
        urls.touch()
        return sum("Watching for file changes" in line for line in errors) == 2

    command = ["python", "manage.py", "runserver", f"127.0.0.1:{port}"]
    with start(popen, command, folder) as child:
        threading.Thread(target=errors.extend, args=(child.stderr,)).start()
        wait(lambda: listens(port))
        wait(has_started_again)
        wait(lambda: listens(port))
        os.killpg(child.pid, signal.SIGTERM)
        status = child.wait(timeout=30)
        wait(lambda: not listens(port))
    return status
