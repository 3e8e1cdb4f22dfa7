"""`tutorial run` starts all processes, and ends all of them, whatever happens."""

import contextlib
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from support.folders import make, make_stub
from support.runner import END, Runner
from tutorial.paths import ROOT, VENV
from tutorial.project.files import copy_project
from tutorial.runtime.exclusive import free_port, listens
from tutorial.runtime.monitor import monitor
from tutorial.runtime.waiting import wait_until
from tutorial.visitor.site import Site
from tutorial.visitor.sockets import open_socket
from tutorial.visitor.visitor import Visitor

USUAL_PORT = 6379  # the default port of Redis

SECRET = "sk-a-secret-that-nobody-may-read"


def test_the_finished_app_answers(start):
    runner = start()
    runner.wait_for("Ready in")
    assert f"http://127.0.0.1:{runner.port}" in runner.output
    site = Site(f"http://127.0.0.1:{runner.port}", "", "")
    visitor = Visitor(site)
    visitor.get()
    with open_socket(visitor) as socket:
        visitor.ask("What is a broker?")
        wait_until(
            lambda: "A broker is the place" in str(socket.recv(timeout=10)),
            seconds=10,
            otherwise="no frame brought the answer",
        )
    for name in ("web", "worker", "openai"):
        assert re.search(rf"^{name} +\|", runner.output, re.M), f"no line of {name}"


def test_the_option_open_opens_the_page_in_a_browser(start, tmp_path):
    opened = tmp_path / "opened.txt"
    browser = tmp_path / "browser.sh"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    runner = start("1", "--open", BROWSER=str(browser))
    runner.wait_for("Ready in")
    wait_until(opened.exists, seconds=10, otherwise="no browser was started")
    address = f"http://127.0.0.1:{runner.port}"
    wait_until(
        lambda: opened.read_text().strip() == address,
        seconds=5,
        otherwise=opened.read_text,
    )


@pytest.fixture
def stub(tmp_path) -> str:
    """Make a project that starts and ends quickly; return its path."""
    return str(make_stub(tmp_path / "stub"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_every_process_in_two_runs_in_a_row(start, stub, number):
    for _ in range(2):
        runner = start(stub)
        runner.wait_for("Ready in")
        runner.child.send_signal(number)
        assert runner.child.wait(timeout=END) == 128 + number
        runner.wait_until_nothing_is_left()
        assert "Traceback" not in runner.output


def test_a_signal_ends_the_finished_app_in_the_middle_of_a_search(start):
    runner = start()
    runner.wait_for("Ready in")
    Visitor(Site(f"http://127.0.0.1:{runner.port}", "", "")).ask("simulate: silence")
    runner.wait_for("received")
    runner.child.send_signal(signal.SIGINT)
    runner.child.wait(timeout=END)
    runner.wait_until_nothing_is_left()


@pytest.mark.parametrize("moment", ["Starting", "Redis", "OpenAI"])
def test_a_signal_during_the_start_ends_every_process(start, stub, moment):
    runner = start(stub)
    runner.wait_for(moment)
    runner.child.send_signal(signal.SIGTERM)
    runner.child.wait(timeout=END)
    runner.wait_until_nothing_is_left()
    assert "Traceback" not in runner.output


@pytest.fixture
def at_a_terminal(start, stub):
    """Start a run in a terminal, and wait until it is ready.

    Returns the runner, the test's side of the terminal, and the output so far.
    """
    ours, theirs = pty.openpty()
    runner = start(stub, terminal=theirs)
    os.close(theirs)
    seen = b""
    deadline = time.monotonic() + 60
    while b"Ready in" not in seen:
        assert time.monotonic() < deadline, seen
        seen += os.read(ours, 4096)
    return runner, ours, seen


def test_a_closed_terminal_ends_every_process(at_a_terminal):
    runner, ours, seen = at_a_terminal
    assert b"\033[3" in seen, "no colour at a terminal"
    os.close(ours)
    runner.child.wait(timeout=END)
    runner.wait_until_nothing_is_left()


def test_ctrl_c_at_a_terminal_ends_every_process(at_a_terminal):
    runner, ours, _ = at_a_terminal
    os.write(ours, b"\x03")
    threading.Thread(target=_drain, args=(ours,), daemon=True).start()
    assert runner.child.wait(timeout=END) == 130
    runner.wait_until_nothing_is_left()


def _drain(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(descriptor, 4096):
            pass


def test_a_killed_runner_leaves_nothing_running(start, stub):
    runner = start(stub)
    runner.wait_for("Ready in")
    runner.child.kill()
    runner.wait_until_nothing_is_left()


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("web", r"python web\.py"),
        ("worker", r"python worker\.py"),
        ("redis", r"(redis|valkey)-server"),
        ("openai", r"tutorial\.standin"),
    ],
)
def test_a_process_that_dies_is_named_and_the_others_are_ended(
    start, stub, name, pattern
):
    runner = start(stub)
    runner.wait_for("Ready in")
    runner.one(pattern).kill()
    assert runner.child.wait(timeout=END) == 1
    assert re.search(rf"^{name} .*: ending the others$", runner.output, re.M)
    runner.wait_until_nothing_is_left()


def test_run_says_why_a_project_does_not_start(start, root):
    settings = root / "steps" / "07_browser" / "config" / "settings.py"
    settings.write_text(settings.read_text() + "\nimport no_such_module\n")
    runner = start("7")
    assert runner.child.wait(timeout=60) == 1
    runner.wait_for("No module named 'no_such_module'")
    runner.wait_until_nothing_is_left()


def test_a_command_that_does_not_exist_is_reported(start, stub):
    (Path(stub) / "Procfile").write_text("worker: no-such-program\n")
    runner = start(stub)
    assert runner.child.wait(timeout=60) == 1
    runner.wait_for("worker ended with exit status 127")
    runner.wait_until_nothing_is_left()


@pytest.mark.xdist_group("step 7")
def test_a_key_is_never_printed(start, run_step):
    """The key is neither in the output of any process nor in a message in Redis."""
    runner = start(
        OPENAI_API_KEY="wrong-" + SECRET,
        OPENAI_BASE_URL=run_step("7").site.openai_url,
    )
    runner.wait_for("Ready in")
    url = re.search(r"Redis +(\S+)", runner.output)[1]
    site = Site(f"http://127.0.0.1:{runner.port}", url, "")
    with monitor(url) as redis:
        Visitor(site).ask("What is a key?")
        runner.wait_for("AuthenticationError")
        redis.sync()
        assert redis.since(0, "LPUSH ", ".celery")
        assert not redis.since(0, SECRET)
    assert "OPENAI_API_KEY" in runner.output
    assert SECRET not in runner.output


def test_manage_finds_the_redis_of_a_running_step(start, root):
    runner = start("3")
    runner.wait_for("Ready in")
    Visitor(Site(f"http://127.0.0.1:{runner.port}", "", "")).ask("Where am I?")
    shown = subprocess.run(
        [sys.executable, "-m", "tutorial", "manage", "3", "show_queue"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert "'query': 'Where am I?'" in shown.stdout, shown.stderr


def test_redis_uses_its_usual_port_if_it_is_free(start):
    """Commands without REDIS_URL find Redis at this port.

    Another test may be using the port, so this test tries three times.
    """
    for _ in range(3):
        was_free = not listens(USUAL_PORT)
        runner = start("3")
        runner.wait_for("Ready in")
        used = int(re.search(r"Redis +redis://127\.0\.0\.1:(\d+)", runner.output)[1])
        if used == USUAL_PORT or not was_free or listens(USUAL_PORT):
            return
        runner.child.send_signal(signal.SIGINT)
        runner.child.wait(timeout=END)
    pytest.fail(f"Redis was at {used}, and nothing was at {USUAL_PORT}")


def test_a_second_run_of_the_same_project_is_refused(start, stub, tmp_path):
    start(stub).wait_for("Ready in")
    second = start(stub)
    assert second.child.wait(timeout=30) == 1
    second.wait_for(f"{stub} is running")
    start(str(make_stub(tmp_path / "another"))).wait_for("Ready in")


# Django's server ends after the first of these edits. After the second edit, the server
# waits until a file is saved.
BAD_EDITS = [
    ("config/settings.py", "half_a_wor", "NameError"),
    ("config/asgi.py", "import no_such_module", "No module named"),
]


@pytest.mark.slow(30)
def test_the_web_process_starts_again_after_a_bad_edit(start, tmp_path):
    """The user only corrects the file, and does not have to restart the run."""
    folder = make(tmp_path / "project", "7")
    runner = start(str(folder))
    runner.wait_for("Ready in")
    for name, edit, error in BAD_EDITS:
        save_and_correct(runner, folder / name, edit, error)
        assert runner.child.poll() is None, runner.output
    runner.wait_for("Ready again")


def save_and_correct(runner: Runner, path: Path, edit: str, error: str) -> None:
    """Add a line to a file, wait until the page is gone, and remove the line."""
    visitor = Visitor(Site(f"http://127.0.0.1:{runner.port}", "", ""))
    text, printed = path.read_text(), len(runner.lines)

    def is_down() -> bool:
        path.write_text(f"{edit}\n{text}")
        return error in "".join(runner.lines[printed:]) and not _answers(visitor)

    wait_until(
        is_down,
        seconds=60,
        otherwise=lambda: f"{edit} did not stop the server: {runner.output}",
        # Django misses a save in the first second after its start.
        pause=lambda _: time.sleep(1.2),
    )
    wait_until(
        lambda: "the lines above say why" in "".join(runner.lines[printed:]),
        seconds=30,
        otherwise=lambda: f"{edit} was not reported: {runner.output}",
    )
    path.write_text(text)
    wait_until(
        lambda: _answers(visitor),
        seconds=60,
        otherwise=lambda: f"no page without {edit}: {runner.output}",
    )


def test_a_worker_with_older_code_is_reported_once(start, tmp_path):
    folder = make(tmp_path / "project", "4")
    runner = start(str(folder))
    runner.wait_for("Ready in")
    view, tasks = folder / "search" / "views.py", folder / "search" / "tasks.py"
    view.write_text(view.read_text() + "\n# The worker does not run this file.\n")
    tasks.write_text(tasks.read_text() + "\n# One.\n")
    message = "search/tasks.py has changed since worker started"
    runner.wait_for(message)
    tasks.write_text(tasks.read_text() + "\n# Two.\n")
    visitor = Visitor(Site(f"http://127.0.0.1:{runner.port}", "", ""))
    # The web process may be restarting because of the second change.
    wait_until(
        lambda: _takes(visitor, "Is it reported once?"),
        seconds=60,
        otherwise=lambda: f"no page: {runner.output}",
    )
    runner.wait_for("succeeded")
    assert runner.output.count("has changed since") == 1, runner.output


def test_a_save_while_the_project_is_still_starting_is_reported(start, tmp_path):
    folder = make(tmp_path / "project", "4")
    go = tmp_path / "go"
    procfile = folder / "Procfile"
    wait = f"while [ ! -e {go} ]; do sleep 0.1; done;"
    procfile.write_text(procfile.read_text().replace("web: ", f"web: {wait} "))
    tasks = folder / "search" / "tasks.py"
    runner = start(str(folder))
    runner.wait_for(" ready.")  # the worker has loaded the file
    tasks.write_text(tasks.read_text() + "\n# One.\n")
    assert "Ready in" not in runner.output
    go.touch()
    runner.wait_for("Ready in")
    runner.wait_for("search/tasks.py has changed since worker started")


def test_a_line_of_the_procfile_that_starts_nothing_is_reported(start, stub):
    procfile = Path(stub) / "Procfile"
    procfile.write_text(procfile.read_text() + "worker: exec python worker.py again\n")
    runner = start(stub)
    runner.wait_for("Ready in")
    assert (
        "line 2 is not started, because line 3 has the same name: worker"
        in runner.output
    )


def test_run_reports_that_another_project_is_running(start, stub, tmp_path):
    first = start(stub)
    first.wait_for("Ready in")
    assert "Another project runs" not in first.output
    second = start(str(make_stub(tmp_path / "another")))
    second.wait_for("Ready in")
    assert f"Another project runs at http://127.0.0.1:{first.port}" in second.output
    assert f"http://localhost:{second.port}" in second.output
    for runner in (first, second):
        runner.child.send_signal(signal.SIGINT)
        runner.child.wait(timeout=END)
    third = start(stub)
    third.wait_for("Ready in")
    assert "Another project runs" not in third.output


def test_a_slow_start_is_reported_and_continues(start, root):
    """If asgi.py cannot be imported, Django's server waits until a file is saved."""
    asgi = root / "steps" / "07_browser" / "config" / "asgi.py"
    asgi.write_text("import no_such_module\n" + asgi.read_text())
    runner = start("7")
    runner.wait_for("Not ready after 30 s")
    assert runner.child.poll() is None
    assert "No module named 'no_such_module'" in runner.output
    runner.wait_for("web starts again by itself")


@pytest.mark.lab
def test_a_worker_that_never_starts_is_named(start, root):
    file = root / "steps" / "04_worker" / "Procfile"
    file.write_text(file.read_text().replace("celery", "sleep 600; celery"))
    runner = start("4")
    runner.wait_for("a worker does not start again by itself")
    assert "web starts again" not in runner.output


def test_the_queue_survives_a_restart(start):
    for question in ("The first?", "The second?"):
        runner = start("3")
        runner.wait_for("Ready in")
        url = re.search(r"Redis +(\S+)", runner.output)[1]
        site = Site(f"http://127.0.0.1:{runner.port}", url, "")
        Visitor(site).ask(question)
        waiting = len(site.waiting_messages())
        runner.child.send_signal(signal.SIGINT)
        runner.child.wait(timeout=END)
    assert waiting == 2


@pytest.mark.xdist_group("step 7")
def test_a_step_runs_without_tutorial_run(tmp_path, run_step):
    """A step needs only its Procfile, its requirements, Redis and an API."""
    from tutorial.project import procfile, steps

    folder = tmp_path / "project"
    copy_project(steps.find("7").folder, folder)
    services_of_another = run_step("7").project.environment
    port = str(free_port())
    variables = {"PATH": f"{VENV / 'bin'}:{os.environ['PATH']}", "PORT": port}
    for name in ("REDIS_URL", "OPENAI_BASE_URL", "OPENAI_API_KEY"):
        variables[name] = services_of_another[name]
    # Use another database of the same Redis, so that the worker of the other project
    # does not take the message.
    variables["REDIS_URL"] = variables["REDIS_URL"].removesuffix("/0") + "/1"
    subprocess.run(
        ["python", "manage.py", "migrate"], cwd=folder, env=variables, check=True
    )
    children = [
        subprocess.Popen(
            command, shell=True, cwd=folder, env=variables, start_new_session=True
        )
        for command in procfile.processes(folder).values()
    ]
    try:
        site = Site(f"http://127.0.0.1:{port}", variables["REDIS_URL"], "")
        visitor = Visitor(site)
        wait_until(lambda: _answers(visitor), seconds=30, otherwise="no page")
        with open_socket(visitor) as socket:
            visitor.ask("What is a Procfile?")
            assert "What is a Procfile?" in socket.recv(timeout=20)
    finally:
        for child in children:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _answers(visitor: Visitor) -> bool:
    with contextlib.suppress(OSError):
        return visitor.get().status == 200
    return False


def _takes(visitor: Visitor, question: str) -> bool:
    with contextlib.suppress(OSError):
        return visitor.ask(question).status in (200, 302)
    return False


def test_a_run_leaves_only_a_database_in_the_folder_of_a_step(start, root):
    runner = start("2")
    runner.wait_for("Ready in")
    left = {p.name for p in (root / "steps" / "02_view").rglob("*")} - {
        p.name for p in (ROOT / "steps" / "02_view").rglob("*")
    }
    assert left <= {"db.sqlite3"}
    shutil.rmtree(root / ".run", ignore_errors=True)
