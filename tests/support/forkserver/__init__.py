"""Starts Python programs by forking a process that has imported the libraries.

The forked processes have their own id, group, environment and output, as usual. They do
not have to import Django, Celery, Channels and the API's client again. These imports
take a second of CPU time, and the tests start such processes hundreds of times.

These programs are started as usual, without a fork:

- commands that need a shell, programs outside `.venv`, and programs that are not Python
- all programs of a project in which a file or folder has the name of a library, and so
  hides the library
"""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.forkserver.libraries import HIDEABLE
from tutorial.paths import VENV

SERVER = Path(__file__).with_name("server.py")
COMMAND = Path(__file__).with_name("command.py")
BIN = VENV / "bin"

# macOS has no SOCK_SEQPACKET.
KIND = (socket.AF_UNIX, getattr(socket, "SOCK_SEQPACKET", 0))
# The environment variable that tells a test's programs the name of the server's socket.
ADDRESS = "TUTORIAL_TEST_FORKS"

# A command with one of these characters needs a shell.
SHELL = re.compile(r"""[;&|<>()`"'\\*?\[\]~#\n]|\$(?![\w{])""")
VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})")


class ForkServer:
    """A connection to the process that forks. It also reads that process's reports."""

    def __init__(self) -> None:
        if ADDRESS in os.environ:
            self._socket = socket.socket(*KIND)
            self._socket.connect(f"\0{os.environ[ADDRESS]}")
        else:
            self._socket = _start_server()
        self._lock = threading.Lock()
        self._started: list[Forked] = []
        self._running: dict[int, Forked] = {}
        self._answered = threading.Semaphore(0)
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self, child: "Forked", request: dict[str, Any], files: list[int]) -> None:
        """Start the program of the request, and set the child's `pid`."""
        with self._lock:
            self._started.append(child)
            message = json.dumps(request).encode()
            socket.send_fds(self._socket, [message], files)
            self._answered.acquire()

    def _listen(self) -> None:
        while message := self._socket.recv(1000):
            number, status = json.loads(message)
            if status is None:
                child = self._started.pop()
                child.pid = number
                self._running[number] = child
                self._answered.release()
            else:
                self._running.pop(number).end(os.waitstatus_to_exitcode(status))


def _start_server() -> socket.socket:
    """Start the process that forks, and return a socket that is connected to it.

    The new process ends when this process ends. Programs that this process starts may
    use the new process, too: see `command.py`.
    """
    ours, theirs = socket.socketpair(*KIND)
    # A socket whose name begins with a zero byte has no file.
    address = f"tutorial-forks-{os.getpid()}"
    listener = socket.socket(*KIND)
    listener.bind(f"\0{address}")
    listener.listen()
    files = [theirs.fileno(), listener.fileno()]
    subprocess.Popen(
        [sys.executable, str(SERVER), *map(str, files)],
        stdin=subprocess.DEVNULL,
        pass_fds=files,
        start_new_session=True,
    )
    theirs.close()
    listener.close()
    os.environ[ADDRESS] = address
    return ours


class Forked(subprocess.Popen):
    """A program that the server forked. It has the interface of `subprocess.Popen`."""

    def __init__(
        self,
        server: ForkServer,
        request: dict[str, Any],
        stdout: int | None,
        stderr: int | None,
        text: bool,
        errors: str | None,
    ) -> None:
        self.args = request["args"]
        self.returncode = None
        self.stdin = None
        self._ended = threading.Event()
        # The attributes that Popen's own methods use.
        self._child_created, self._communication_started = False, False
        self._input, self._sigint_wait_secs = None, 0.25
        self.text_mode, self.encoding, self.errors = text, None, errors
        self._waitpid_lock = threading.Lock()
        mode = "r" if text else "rb"
        read, write = os.pipe()
        if stderr == subprocess.STDOUT:
            writes, self.stderr = [write, write], None
        else:
            read_errors, write_errors = os.pipe()
            writes = [write, write_errors]
            self.stderr = open(read_errors, mode, errors=errors)  # noqa: SIM115, PTH123
        self.stdout = open(read, mode, errors=errors)  # noqa: SIM115, PTH123
        try:
            server.start(self, request, writes)
        finally:
            for file in set(writes):
                os.close(file)
        self._child_created = True

    def end(self, code: int) -> None:
        """Record the exit status of the program, which has ended."""
        self.returncode = code
        self._ended.set()

    def _internal_poll(self, *arguments: Any, **options: Any) -> int | None:
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode


_server: list[ForkServer] = []
_lock = threading.Lock()


def _the_server() -> ForkServer:
    with _lock:
        if not _server:
            _server.append(ForkServer())
        return _server[0]


def tutorial() -> list[str]:
    """Return a command that starts `tutorial`, which then forks to start its programs.

    Only Linux can do that. On other systems, it starts programs as usual.
    """
    if sys.platform != "linux":
        return [sys.executable, "-m", "tutorial"]
    _the_server()
    return [sys.executable, str(COMMAND)]


def popen(args: str | list[str], **options: Any) -> subprocess.Popen:
    """Start a program like `subprocess.Popen`, but fork if it is a Python program."""
    folder, environment = Path(options["cwd"]).absolute(), options["env"]
    words = _words(args, environment) if isinstance(args, str) else list(args)
    program = _program(words, folder, environment)
    if program is None:
        return subprocess.Popen(args, **options)
    request = {
        "args": args,
        "program": program,
        "folder": str(folder),
        "environment": dict(environment),
        "leads": options.get("start_new_session", False),
    }
    return Forked(
        _the_server(),
        request,
        options.get("stdout"),
        options.get("stderr"),
        options.get("text", False),
        options.get("errors"),
    )


def _words(command: str, environment: Mapping[str, str]) -> list[str]:
    """Return the words of a command that needs no shell, or [] for other commands."""
    if SHELL.search(command):
        return []

    def value(match: re.Match[str]) -> str:
        return environment.get(match[1] or match[2]) or match[3] or ""

    return shlex.split(VARIABLE.sub(value, command.removeprefix("exec ")))


def _program(
    words: list[str], folder: Path, environment: Mapping[str, str]
) -> list[str] | None:
    """Return the arguments for Python, or None if the program cannot be forked.

    They are either a script and its arguments, or `-m` with a module and its arguments.
    """
    found = words and shutil.which(words[0], path=environment.get("PATH"))
    if not found or Path(found).parent != BIN or _hides_a_library(folder):
        return None
    if not Path(found).name.startswith("python"):
        first = Path(found).read_bytes()[:200].splitlines()[0]
        return [found, *words[1:]] if b"python" in first else None
    if words[1:2] == ["-m"] or (len(words) > 1 and not words[1].startswith("-")):
        return words[1:]
    return None


def _hides_a_library(folder: Path) -> bool:
    return not HIDEABLE.isdisjoint(path.stem for path in folder.iterdir())
