"""The program that forks: `python server.py SOCKET LISTENER`.

SOCKET and LISTENER are file descriptors. Each message on the socket asks the server to
start a program. Two file descriptors for the program's output are sent with the
message. The reply is [id, null], with the id of the program's process. When the program
has ended, [id, status] follows. Other programs may connect to the listener, and send
the same requests.
"""

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import nursery
from libraries import import_libraries

# The paths of the standard library and of the installed packages.
PATHS = sys.path[1:]


def serve(owner: socket.socket, listener: socket.socket) -> dict[str, Any]:
    """Fork for each message. In the child, return the request in the message.

    In the server, this function never returns. It ends the process when the other end
    of the socket `owner` is closed.
    """
    # The client that requested each child, by the child's pid.
    asked_by: dict[int, socket.socket] = {}
    ended, wakes = socket.socketpair()
    for end in (ended, wakes):
        end.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    selector = selectors.DefaultSelector()
    for file in (owner, listener, ended):
        selector.register(file, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            connection = key.fileobj
            if connection is ended:
                ended.recv(1000)
                report_ended(asked_by)
                continue
            if connection is listener:
                selector.register(listener.accept()[0], selectors.EVENT_READ)
                continue
            message, files = receive(connection)
            if not message:
                if connection is owner:
                    os._exit(0)
                selector.unregister(connection)
                connection.close()
                continue
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                # Close the server's files now. Otherwise, the garbage collector would
                # later close new files that have the same numbers.
                others = [entry.fileobj for entry in selector.get_map().values()]
                for thing in (selector, wakes, *others):
                    thing.close()
                take(files)
                return json.loads(message)
            for file in files:
                os.close(file)
            asked_by[pid] = connection
            tell(connection, [pid, None])


def receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    """Return a message and its files.

    The message is empty if the connection is closed.
    """
    try:
        return socket.recv_fds(connection, 1 << 20, 2)[:2]
    except ConnectionError:
        return b"", []


def tell(connection: socket.socket, words: list) -> None:
    """Send a message, unless the connection is closed."""
    with contextlib.suppress(OSError):
        connection.send(json.dumps(words).encode())


def report_ended(asked_by: dict[int, socket.socket]) -> None:
    """Report each child that has ended, to the client that asked for it."""
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            tell(asked_by.pop(found[0]), list(found))


def take(files: list[int]) -> None:
    """Use the files as the output of this process, and close all other files."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, file in enumerate([nothing, *files]):
        os.dup2(file, target)
    os.closerange(3, 1024)


def become(request: dict[str, Any]) -> None:
    """Give this process the state of a newly started Python, and run the program."""
    if request["leads"]:
        os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.stdin = open(0, closefd=False)  # noqa: SIM115, PTH123
    for number, name in ((1, "stdout"), (2, "stderr")):
        file, mine = io.FileIO(number, "w", closefd=False), getattr(sys, name)
        stream = io.TextIOWrapper(
            file if unbuffered else io.BufferedWriter(file),
            encoding=mine.encoding,
            errors=mine.errors,
            line_buffering=number == 2,
            write_through=unbuffered,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    paths = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [*paths, *PATHS]
    sys.path_importer_cache.clear()
    for name in ("sitecustomize", "libraries", "nursery"):
        sys.modules.pop(name, None)
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module("sitecustomize")
    first, *arguments = request["program"]
    reloads = arguments[:1] == ["runserver"] and "--noreload" not in arguments
    if reloads and "RUN_MAIN" not in os.environ:
        nursery.prepare(request, run)
    if first == "-m":
        name, *arguments = arguments
        sys.path.insert(0, str(Path.cwd()))
        sys.argv = [name, *arguments]
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(first).resolve().parent))
        sys.argv = [first, *arguments]
        runpy.run_path(first, run_name="__main__")


def run(request: dict[str, Any]) -> None:
    """Run the program, and end this process as Python does.

    Python would also clear all modules when it exits. Here, that would copy all memory
    that is shared with the server, and take longer than the start of the program.
    """
    status = 0
    try:
        become(request)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
    except BaseException as error:
        status = 1
        sys.excepthook(type(error), error, error.__traceback__)
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            status = -signal.SIGINT
    threading._shutdown()  # waits for threads
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if status == -signal.SIGINT:
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(status & 0xFF)


if __name__ == "__main__":
    import_libraries()
    gc.collect()
    gc.freeze()
    run(serve(*(socket.socket(fileno=int(number)) for number in sys.argv[1:])))
