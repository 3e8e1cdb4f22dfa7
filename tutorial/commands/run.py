"""`tutorial run`: a project with every process that it needs, until Ctrl-C."""

import contextlib
import fcntl
import os
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from tutorial import colour, procfile, services
from tutorial.problem import Problem
from tutorial.processes import Processes
from tutorial.project import Project, own_python, redis_url_file, state_folder

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

PORT_IS_FIXED = "the web line of its Procfile does not ask for $PORT"


class Log:
    """Prints each process' lines with its name, in a colour of its own."""

    def __init__(self) -> None:
        self._paint = colour.painter(sys.stdout)
        self._lock = threading.Lock()
        self._styles: dict[str, str] = {}

    def __call__(self, name: str, line: str) -> None:
        """Print a line of a process."""
        with self._lock:
            palette = colour.PROCESS_COLOURS
            style = self._styles.setdefault(
                name, palette[len(self._styles) % len(palette)]
            )
            self._print(f"{self._paint(style, f'{name:<8}|')} {line}")

    def say(self, text: str) -> None:
        """Print a line of the program's own."""
        with self._lock:
            self._print(self._paint("bold", text))

    def _print(self, text: str) -> None:
        try:
            print(text, flush=True)
        except OSError:
            # The terminal is gone: SIGHUP ends the processes, and nobody reads on.
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115


class Stopped(Exception):
    """A signal asked the program to end."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


def run(folder: Path, title: str, port: int, *, open_browser: bool = False) -> int:
    """Start the project in `folder` at `port`, and return the exit status at its end.

    Raises Problem where it cannot start.
    """
    started = time.monotonic()
    log = Log()
    fixed = procfile.fixed_port(folder)
    project = Project(folder, fixed or port)
    with alone(folder, title), Processes(log) as processes:
        _check_port(project.port, is_fixed=bool(fixed))

        def stop(number: int, frame: object) -> None:
            _ignore_signals()
            processes.interrupt(Stopped(number))

        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
                signal.signal(number, stop)
        try:
            log.say(f"Starting {title}")
            if own := own_python(folder):
                log.say(f"  Python  the project's own: {own.name}/bin/python")
            if fixed and fixed != port:
                log.say(f"  Port    {fixed}, not {port}: {PORT_IS_FIXED}")
            project.environment |= _services(processes, log, folder)
            project.migrate()
            project.start(processes)
            if _wait_until_ready(project, log, started) and open_browser:
                webbrowser.open(project.address)
            process = None
            while process is None:
                process = processes.wait_for_end(0.5)
            log.say(f"{process.name} {process.how_it_ended()}: ending the others")
            return 1
        except Stopped as stopped:
            log.say(f"{stopped}: ending every process")
            return 128 + stopped.number  # as a shell has it
        finally:
            _ignore_signals()
            # Before the services, which they may still need to end well.
            processes.stop(project.running.values())
            redis_url_file(folder).unlink(missing_ok=True)


def _check_port(port: int, *, is_fixed: bool) -> None:
    """Raise Problem where `port` is not to be had."""
    if services.free_port(port) == port:
        return
    other = f"--port {services.free_port()}"
    way_out = f"Choose another port: {other}"
    if is_fixed:
        way_out = f"Write ${{PORT:-8000}} in the Procfile, then choose: {other}"
    raise Problem(
        f"Port {port} cannot be had: another program has taken it, or you may"
        f" not use it. {way_out}"
    )


@contextlib.contextmanager
def alone(folder: Path, title: str) -> Iterator[None]:
    """Refuse a second run of a project: two Redis would write the same files.

    Raises Problem where it runs.
    """
    state_folder(folder).mkdir(parents=True, exist_ok=True)
    with (state_folder(folder) / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem(
                f"{title} runs already, in another terminal. Stop it there first."
            ) from None
        yield


def _wait_until_ready(project: Project, log: Log, started: float) -> bool:
    patience = 30.0  # seconds
    try:
        project.wait_until_ready(patience)
    except TimeoutError:
        # Not an end: the machine may be slow, or Django's server may wait for a mended
        # file.
        log.say(
            f"Not ready after {patience:g} s. Is there a mistake in the lines above?"
            " Mend it; where web does not start again by itself, press Ctrl-C and run"
            " again."
        )
        return False
    seconds = time.monotonic() - started
    log.say(f"Ready in {seconds:.1f} s: {project.address} (Ctrl-C ends everything)")
    return True


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _services(processes: Processes, log: Log, folder: Path) -> dict[str, str]:
    """Start what the project talks to: the variables that lead there."""
    needs = procfile.needs(folder)
    variables = {}
    if "redis" in needs:
        variables |= _redis(processes, log, folder)
    if "openai" in needs:
        variables |= _openai(processes, log)
    return variables


def _redis(processes: Processes, log: Log, folder: Path) -> dict[str, str]:
    if url := os.environ.get("REDIS_URL"):
        services.check_redis(url)
        log.say(f"  Redis   {services.without_secrets(url)} (REDIS_URL)")
        return {"REDIS_URL": url}
    data = state_folder(folder)
    # The usual port, if it is free: then commands without REDIS_URL find it, too.
    port = services.free_port(6379)
    try:
        _, url = services.start_redis(processes, data, port)
    except Problem:
        if services.free_port(port) == port:
            raise
        # Another program took the port in the meantime.
        _, url = services.start_redis(processes, data, services.free_port())
    redis_url_file(folder).write_text(url)
    log.say(f"  Redis   {url}")
    return {"REDIS_URL": url}


def _openai(processes: Processes, log: Log) -> dict[str, str]:
    url = os.environ.get("OPENAI_BASE_URL")
    if os.environ.get("OPENAI_API_KEY"):
        where = services.without_secrets(url) if url else "the real API"
        log.say(f"  OpenAI  {where}, with your OPENAI_API_KEY")
        return {}
    if url:
        log.say(f"  OpenAI  {services.without_secrets(url)} (OPENAI_BASE_URL), no key")
        return {"OPENAI_API_KEY": "none"}
    _, variables = services.start_stand_in(processes, services.free_port())
    where = variables["OPENAI_BASE_URL"].removesuffix("v1")
    log.say(f"  OpenAI  the offline stand-in, {where} (OPENAI_API_KEY: the real API)")
    return variables
