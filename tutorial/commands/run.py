"""`tutorial run`: starts a project and every process that it needs, until Ctrl-C."""

import argparse
import contextlib
import os
import signal
import time
import webbrowser
from pathlib import Path
from typing import Any

from tutorial import observer
from tutorial.check.code import files_of_worker
from tutorial.commands.arguments import (
    Commands,
    add_port,
    add_project,
    port_number,
)
from tutorial.observer.events import Tail
from tutorial.problem import Problem
from tutorial.project import procfile
from tutorial.project.steps import Step, find_project
from tutorial.runtime import codespaces, environment, services, tunnel
from tutorial.runtime.exclusive import check_port, free_port
from tutorial.runtime.processes import Processes
from tutorial.runtime.project import (
    Project,
    address_file,
    alone,
    others,
    own_python,
    redis_url_file,
    state_folder,
)
from tutorial.runtime.services import Launch, Service, without_secrets
from tutorial.runtime.stack import Stack
from tutorial.runtime.supervisor import Supervisor
from tutorial.runtime.terminal import Log

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

PORT_IS_FIXED = "the web line of its Procfile does not use $PORT"
NAME_TWICE = (
    "  Procfile  line {0} is not started, because line {1} has the same name: {2}."
    " Give each line a name of its own."
)
SHARED_COOKIES = (
    "Another project runs at {}. A browser sends the same cookies to both, so each logs"
    " out the visitors of the other, and refuses their forms (403)."
)
PRIVATE_WINDOW = "Open this project in a private window, or at http://localhost:{}."
ELSEWHERE = (
    "Is your browser on another machine? Type this there, then open the same address:\n"
    "  {}"
)
WEB_WAITS = "Correct the file and save it: web starts again by itself."
WORKER_WAITS = (
    "web is ready, but a worker is not. Correct the mistake, press Ctrl-C and run"
    " again: a worker does not start again by itself."
)
READY = 30.0  # seconds that a project may take to start, before `run` prints a warning


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add("run", "Run the finished app, or a step (run 3)", _run)
    add_project(parser, "step", nargs="?", default="final")
    add_port(parser, 8000)
    parser.add_argument("--open", action="store_true", help="open a browser, too")
    parser.add_argument(
        "--map", action="store_true", help="serve a live map of the searches, too"
    )
    parser.add_argument(
        "--map-port",
        type=port_number,
        default=8002,
        help="the port of the map; default: 8002",
    )


def _run(options: argparse.Namespace) -> int:
    step = find_project(options.step)
    environment.enter("run")
    return run(
        step,
        options.port,
        map_port=options.map_port if options.map else None,
        open_browser=options.open,
    )


class Stopped(Exception):
    """The program received a signal to end."""

    def __init__(self, number: int) -> None:
        self.number = number
        name = signal.Signals(number).name
        super().__init__("Ctrl-C" if number == signal.SIGINT else name)


def run(
    step: Step, port: int, *, map_port: int | None = None, open_browser: bool = False
) -> int:
    """Run the project on `port` until it ends, and return the exit status.

    If `map_port` is given, serve a live map on that port. Raises Problem if the project
    cannot start.
    """
    folder, title = step.folder, step.title
    log = Log()
    events = state_folder(folder) / "events"
    fixed = procfile.fixed_port(folder)

    def prepare(project: Project) -> None:
        project.migrate()
        supervisor.note_files(_worker_files(folder))

    stack = Stack(
        folder,
        root=state_folder(folder),
        copy=None,
        port=fixed or port,
        services=_services(folder, log),
        reloads=True,
        prepare=prepare,
        patience=None,
        on_line=log,
        environment=observer.variables(events, folder) if map_port else {},
        commands=observer.commands_in_front if map_port else None,
    )
    supervisor = Supervisor(stack, log.say, goes_on=bool(map_port))

    def stop(number: int, frame: object) -> None:
        _ignore_signals()
        stack.processes.interrupt(Stopped(number))

    running = others()
    with alone(folder, title):
        _check_port(stack.port, is_fixed=bool(fixed))
        if map_port:
            check_port(map_port, "Choose another port for the map:", "--map-port")
            events.unlink(missing_ok=True)
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup sets SIG_IGN
                signal.signal(number, stop)
        try:
            with contextlib.closing(stack):
                address_file(folder).write_text(f"http://127.0.0.1:{stack.port}")
                for line in _warning(running, stack.port):
                    log.say(line)
                with _map(supervisor, step, events, map_port) as live:
                    return _run_until_the_end(
                        supervisor, log, step, port, open_browser, live
                    )
        finally:
            events.unlink(missing_ok=True)
            redis_url_file(folder).unlink(missing_ok=True)
            address_file(folder).unlink(missing_ok=True)


def _run_until_the_end(
    supervisor: Supervisor,
    log: Log,
    step: Step,
    port: int,
    open_browser: bool,
    live: Any,
) -> int:
    """Start everything, wait for the end, and return the exit status.

    `port` is the port on the command line; `live` is the map, or None.
    """
    stack = supervisor.stack
    started = time.monotonic()
    try:
        log.say(f"Starting {step.title}")
        if own := own_python(stack.folder):
            log.say(f"  Python  the project's own: {own.name}/bin/python")
        for line, other in procfile.replaced(stack.folder):
            log.say(NAME_TWICE.format(line.number, other.number, line.name))
        if stack.port != port:
            log.say(f"  Port    {stack.port}, not {port}: {PORT_IS_FIXED}")
        if live:
            log.say(f"  Map     {live.url}")
        stack.start()
        is_ready = wait_until_ready(stack.project, log, started)
        maps = [live.port] if live else []
        if is_ready and (way := tunnel.command(stack.port, *maps)):
            log.say(ELSEWHERE.format(way))
        if is_ready and open_browser:
            webbrowser.open(stack.project.address)
        process = supervisor.wait_for_end()
        log.say(f"{process.name} {process.how_it_ended()}: ending the others")
        return 1
    except Stopped as stopped:
        log.say(f"{stopped}: ending every process")
        return 128 + stopped.number  # the status that a shell reports for the signal
    finally:
        _ignore_signals()


def _map(
    supervisor: Supervisor, step: Step, events: Path, port: int | None
) -> contextlib.AbstractContextManager:
    """Return a context manager for the live map.

    If `port` is None, there is no map, and the value of the context manager is None.
    """
    if port is None:
        return contextlib.nullcontext()
    # Imported here, because these modules need the packages in .venv.
    from tutorial.live_map.server import LiveMap
    from tutorial.live_map.state import State

    state = State(supervisor.stack, step, Tail(events))
    state.is_older = lambda: supervisor.is_worker_older
    return LiveMap(state, port)


def _warning(running: list[str], port: int) -> list[str]:
    """Warn that two projects in one browser share their cookies.

    Returns the lines of the warning: none if no other project runs, or if no cookies
    are shared.
    """
    # In a codespace, each port has its own host, so no cookies are shared.
    if not running or codespaces.address(port):
        return []
    return [SHARED_COOKIES.format(running[0]), PRIVATE_WINDOW.format(port)]


def _worker_files(folder: Path) -> set[str]:
    with contextlib.suppress(Problem):  # manage.py does not name the settings
        return files_of_worker(folder)
    return set()


def _check_port(port: int, *, is_fixed: bool) -> None:
    """Raise Problem if another program uses `port`."""
    way_out = "Choose another port:"
    if is_fixed:
        way_out = "Write ${PORT:-8000} in the Procfile, then choose:"
    check_port(port, way_out)


def wait_until_ready(project: Project, log: Log, started: float) -> bool:
    """Wait until the project is ready, and print its address.

    Returns False if it is not ready after READY seconds.
    """
    try:
        project.wait_until_ready(READY)
    except TimeoutError:
        # The machine may be slow, or Django's server may wait until a file is fixed.
        log.say(f"Not ready after {READY:g} s. Is there a mistake in the lines above?")
        log.say(WORKER_WAITS if project.listens() else WEB_WAITS)
        return False
    seconds = time.monotonic() - started
    log.say(f"Ready in {seconds:.1f} s: {project.address} (Ctrl-C ends everything)")
    return True


def _ignore_signals() -> None:
    # Do not use SIG_IGN: a child that starts now would inherit it, and ignore SIGTERM.
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: None)


def _services(folder: Path, log: Log) -> dict[str, Launch]:
    """Return functions that start the project's services and print their addresses."""
    starts = {
        "redis": lambda processes: _redis(processes, log, folder),
        "openai": lambda processes: _openai(processes, log),
    }
    needs = procfile.needs(folder)
    return {name: launch for name, launch in starts.items() if name in needs}


def _redis(processes: Processes, log: Log, folder: Path) -> Service:
    if url := os.environ.get("REDIS_URL"):
        services.check_redis(url)
        log.say(f"  Redis   {without_secrets(url)} (REDIS_URL)")
        return Service({"REDIS_URL": url})
    data = state_folder(folder)
    # Prefer the usual port, so that commands without REDIS_URL find this Redis, too.
    port = free_port(6379)
    try:
        process, url = services.start_redis(processes, data, port)
    except Problem:
        if free_port(port) == port:
            raise
        # Another program took the port after the check, before Redis started.
        process, url = services.start_redis(processes, data, free_port())
    redis_url_file(folder).write_text(url)
    log.say(f"  Redis   {url}")
    return Service({"REDIS_URL": url}, process)


def _openai(processes: Processes, log: Log) -> Service:
    url = os.environ.get("OPENAI_BASE_URL")
    if os.environ.get("OPENAI_API_KEY"):
        where = without_secrets(url) if url else "the real API"
        log.say(f"  OpenAI  {where}, with your OPENAI_API_KEY")
        return Service()
    if url:
        log.say(f"  OpenAI  {without_secrets(url)} (OPENAI_BASE_URL), no key")
        return Service({"OPENAI_API_KEY": "none"})
    process, variables = services.start_stand_in(processes)
    where = variables["OPENAI_BASE_URL"].removesuffix("v1")
    way = "to use the real API, set OPENAI_API_KEY"
    log.say(f"  OpenAI  the offline stand-in, {where} ({way})")
    return Service(variables, process)
