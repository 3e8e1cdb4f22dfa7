"""Check that the page "When nothing happens" quotes the log and messages exactly."""

import os
import re
import runpy
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.servers import basehttp
from playwright.sync_api import expect

from support.checking import run_check
from support.running import migrate_once
from support.troubleshooting import PAGE, api_errors, bodies, own_entries
from tutorial.capture import records
from tutorial.commands.run import SHARED_COOKIES, wait_until_ready
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project import steps
from tutorial.project.files import copy_project
from tutorial.runtime import browser, environment, project, services, supervisor
from tutorial.runtime.exclusive import check_port, free_port
from tutorial.runtime.project import Project, alone, state_folder
from tutorial.runtime.terminal import Log
from tutorial.site import console

SEARCH = ROOT / "steps" / "07_browser" / "search"


def fits(pattern: str, text: str) -> bool:
    """Whether `text` fits `pattern`, in which "…" stands for what the page omits."""
    parts = re.split(r"^…$", pattern, flags=re.M)
    whole = r"(?:.*\n)*?".join(
        "[^\n]*".join(map(re.escape, part.removeprefix("\n").split("…")))
        for part in parts
    )
    return re.fullmatch(whole.rstrip("\n") + r"\n?", text) is not None


def test_the_table_has_a_row_for_each_line_of_the_log():
    recorded = (records.RECORDED / records.recorded_name("7")).read_text()
    logged = re.findall(r"stage \d · \w+(?= ·)", recorded)
    rows = re.findall(r"^\| `(stage [^`]+)` \| (.+) \|$", PAGE.read_text(), re.M)
    assert [line for line, _ in rows] == logged
    for (_, words), following in zip(rows, steps.steps()[1:], strict=False):
        assert f"(#stage-{following.number})" in words
        # If this line is the last one that a step logs, nothing is wrong at that step.
        number = following.number - 1
        assert words.startswith(f"At step {number}, nothing")
        assert f". From step {following.number} on, **" in words
    for step in steps.steps():
        own = (records.RECORDED / records.recorded_name(step.name)).read_text()
        assert re.findall(r"stage \d · \w+(?= ·)", own) == logged[: step.number]


def test_in_eager_mode_the_command_that_sends_a_task_runs_it_at_once(tmp_path):
    """CELERY_TASK_ALWAYS_EAGER sets this mode. The task needs no queue and no Redis."""
    folder = tmp_path / "my-search"
    copy_project(steps.find("4").folder, folder)
    with (folder / "config" / "settings.py").open("a") as settings:
        settings.write("\nCELERY_TASK_ALWAYS_EAGER = True\n")
    project = Project(folder, 8000)
    migrate_once(project)
    (code,) = re.findall(
        r'shell -v 0 -c "\n> (from search.tasks import .*\n> print\(task.*)"',
        PAGE.read_text(),
    )
    user = (
        "from django.contrib.auth.models import User; User.objects.create_user('me')\n"
    )
    shell = ("python", "manage.py", "shell", "-v", "0", "-c")
    done = subprocess.run(
        [*shell, user + code.replace("> ", "")],
        cwd=folder,
        env=project.environment | {"REDIS_URL": "redis://127.0.0.1:1/0"},
        capture_output=True,
        text=True,
    )
    assert "stage 4 · worker · " in done.stderr, done.stderr
    assert re.fullmatch(r"[0-9a-f-]{36}", done.stdout.strip())
    assert "If the command does the worker's work itself (" in " ".join(
        PAGE.read_text().split()
    )


def test_check_prints_what_the_page_and_the_readme_show(tmp_path):
    folder = tmp_path / "my-search"
    copy_project(steps.find("5").folder, folder)
    patch = ROOT / "tutorial" / "repair_shop" / "patches" / "handler_not_imported.patch"
    subprocess.run(["git", "apply", str(patch)], cwd=folder, check=True)
    printed = run_check("5", str(folder)).stdout

    block = next(body for body in bodies("console") if " check 5 " in body)
    expected = "\n".join(console.read(block).exchanges[0].output)
    assert fits(expected, printed), f"{PAGE.name} says:\n{expected}\n\n{printed}"

    readme = (ROOT / "README.md").read_text()
    example = re.search(r"\n\n((?: {4}.*\n)*? {4}BROKEN .*\n(?: {4}.*\n|\n)+)", readme)
    lines = "\n".join(line[4:] for line in example[1].rstrip().splitlines())
    assert fits(f"{lines}\n…", printed), f"README.md says:\n{lines}\n\n{printed}"


@pytest.mark.xdist_group("step 7")
def test_the_commands_outside_of_console_blocks_work(run_step, chromium):
    """tests/pages/test_pages.py runs the commands in console blocks."""
    running = run_step("7")
    page = chromium.new_page()
    page.goto(running.site.url)
    page.get_by_text("Live").wait_for()

    words = shlex.split("celery --app config inspect registered")
    assert f"`{' '.join(words)}`" in PAGE.read_text()
    told = subprocess.run(
        words,
        cwd=running.project.folder,
        env=running.project.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "search.tasks.fetch_openai_results_task" in told.stdout, told.stderr

    (script,) = re.findall(r"^```js\n(.*?)\n```$", PAGE.read_text(), re.M | re.S)
    page.evaluate(script)
    expect(page.locator("#results > li")).to_have_count(1)
    assert page.evaluate("socket.readyState") == 1


def raised(function: Callable[..., object], *arguments: object) -> str:
    """Return the text of the Problem that the function raises."""
    with pytest.raises(Problem) as problem:
        function(*arguments)
    return str(problem.value)


def nothing(*arguments: object, **options: object) -> None:
    """Return None. This replaces functions that find, install or run a program."""


def script(path: Path, text: str, status: int) -> Path:
    """Create a program that prints the text and ends with this exit status."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{text}'\nexit {status}\n")
    path.chmod(0o755)
    return path


def use_venv(folder: Path, monkeypatch) -> None:
    """Make the program use `folder` as its .venv, and hide uv from the program."""
    monkeypatch.setattr(environment, "VENV", folder)
    monkeypatch.setattr(environment, "PYTHON", folder / "bin" / "python")
    monkeypatch.setattr(environment, "PLACE", folder / "place")
    monkeypatch.setattr(environment.shutil, "which", nothing)


def wrong_folder(tmp_path, monkeypatch) -> str:
    return subprocess.run(
        [sys.executable, "-m", "tutorial", "run"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    ).stderr


def start_program() -> str:
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / "tutorial" / "__main__.py"))
    return str(end.value)


def old_python(tmp_path, monkeypatch) -> str:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    return start_program()


def windows(tmp_path, monkeypatch) -> str:
    monkeypatch.setattr(sys, "platform", "win32")
    return start_program()


def no_venv(tmp_path, monkeypatch) -> str:
    use_venv(tmp_path / "venv", monkeypatch)
    python = script(tmp_path / "python", "ensurepip is missing", 1)
    monkeypatch.setattr(sys, "executable", str(python))
    return raised(environment.ensure, "run")


def no_package_index(tmp_path, monkeypatch) -> str:
    use_venv(tmp_path / "venv", monkeypatch)
    words = "Failed to establish a new connection: NewConnectionError"
    script(environment.PYTHON, words, 1)
    environment.PLACE.write_text(str(environment.VENV.resolve()))
    return raised(environment.ensure, "run")


def unknown_certificate(tmp_path, monkeypatch) -> str:
    use_venv(tmp_path / "venv", monkeypatch)
    script(environment.PYTHON, "SSLError: CERTIFICATE_VERIFY_FAILED", 1)
    environment.PLACE.write_text(str(environment.VENV.resolve()))
    return raised(environment.ensure, "run")


def read_only(tmp_path, monkeypatch) -> str:
    use_venv(tmp_path / "venv", monkeypatch)
    monkeypatch.setattr(environment, "ROOT", tmp_path / "nowhere")
    return raised(environment.ensure, "run")


def no_redis(tmp_path, monkeypatch) -> str:
    def ensure(name: str) -> None:
        raise Problem("no matching distribution")

    monkeypatch.setattr(services.shutil, "which", nothing)
    monkeypatch.setattr(services.environment, "ensure", ensure)
    return raised(services.find_redis)


def redis_url(tmp_path, monkeypatch) -> str:
    return raised(services.check_redis, f"redis://127.0.0.1:{free_port()}/0")


def port_taken(tmp_path, monkeypatch) -> str:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = raised(check_port, port)
    return said.replace(str(port), "8000")


def runs_already(tmp_path, monkeypatch) -> str:
    def again() -> None:
        with alone(tmp_path, "../my-search"):
            raise AssertionError("two processes run in one folder")

    monkeypatch.setattr(project, "RUN", tmp_path / "run")
    with alone(tmp_path, "../my-search"):
        return raised(again)


def no_such_project(tmp_path, monkeypatch) -> str:
    nowhere = raised(steps.find_project, str(tmp_path / "nowhere"))
    empty = raised(steps.find_project, str(tmp_path))
    return f"{nowhere}\n{empty}"


def unknown_command(tmp_path, monkeypatch) -> str:
    folder = tmp_path / "my-search"
    copy_project(steps.find("3").folder, folder)
    (folder / "search" / "management" / "commands").rename(folder / "search/commands")
    return subprocess.run(
        [sys.executable, "manage.py", "show_queue"],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    ).stderr


def migrate_fails(tmp_path, monkeypatch) -> str:
    (tmp_path / "manage.py").write_text("raise ImportError('of a name')\n")
    return raised(Project(tmp_path, 8000).migrate)


def not_ready(tmp_path, monkeypatch) -> str:
    def wait(self, seconds: float) -> None:
        raise TimeoutError

    said: list[str] = []
    monkeypatch.setattr(Log, "say", lambda self, text: said.append(text))
    monkeypatch.setattr(Project, "wait_until_ready", wait)
    wait_until_ready(Project(tmp_path, 8000), Log(), 0.0)
    return "\n".join(said)


# A server that exits at its first connection. `run` opens a connection to test whether
# the server is ready.
SHORT_LIVED = """
import os, socket, sys
if "migrate" not in sys.argv:
    socket.create_server(("127.0.0.1", int(os.environ["PORT"]))).accept()
    sys.exit()
"""


def process_ended(tmp_path, monkeypatch) -> str:
    (tmp_path / "manage.py").write_text(SHORT_LIVED)
    (tmp_path / "Procfile").write_text("web: python manage.py serve\n")
    result = subprocess.run(
        [sys.executable, "-m", "tutorial", "run", str(tmp_path)]
        + ["--port", str(free_port())],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    shutil.rmtree(state_folder(tmp_path))
    return result.stdout.replace("web ended", "worker ended")


def web_failed(tmp_path, monkeypatch) -> str:
    ends = ("ended with exit status 1", "does not listen any more")
    return " ".join(supervisor.FAILED.format(web="web", end=end) for end in ends)


def worker_older(tmp_path, monkeypatch) -> str:
    return supervisor.OLDER.format(file="search/tasks.py", worker="worker")


def two_projects(tmp_path, monkeypatch) -> str:
    return SHARED_COOKIES.format("http://127.0.0.1:8000")


def browser_missing(tmp_path, monkeypatch) -> str:
    monkeypatch.setattr(browser, "present_browser", nothing)
    monkeypatch.setattr(browser.debian, "install", nothing)
    # After the download, there is still no browser.
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setattr(browser.subprocess, "run", nothing)
    return raised(browser.find_browser)


def https_to_http(tmp_path, monkeypatch) -> str:
    said: list[str] = []
    monkeypatch.setattr(
        basehttp.logger, "error", lambda text, **_: said.append(text), raising=True
    )
    where = ("127.0.0.1", 0)
    with basehttp.WSGIServer(where, basehttp.WSGIRequestHandler) as server:
        # The first bytes of an HTTPS connection.
        with socket.create_connection(server.server_address) as client:
            client.sendall(b"\x16\x03\x01\x02\x00\r\n\r\n")
        server.handle_request()
    return "\n".join(said)


SAYS = {
    **{"wrong-folder": wrong_folder, "old-python": old_python, "windows": windows},
    **{"no-venv": no_venv, "no-package-index": no_package_index},
    # These two are simulated. tests/program/test_setup_messages.py really causes them.
    **{"unknown-certificate": unknown_certificate, "read-only": read_only},
    **{"no-redis": no_redis, "redis-url": redis_url, "port-taken": port_taken},
    **{"runs-already": runs_already, "no-such-project": no_such_project},
    **{"migrate-fails": migrate_fails, "not-ready": not_ready},
    **{"process-ended": process_ended, "browser-missing": browser_missing},
    # tests/program/test_run.py checks that `run` prints these messages.
    **{"web-failed": web_failed, "worker-older": worker_older},
    **{"two-projects": two_projects},
    **{"https-to-http": https_to_http, "unknown-command": unknown_command},
}


@pytest.mark.parametrize("name", SAYS)
def test_the_program_prints_the_message_that_the_page_quotes(
    name, tmp_path, monkeypatch
):
    said = " ".join(SAYS[name](tmp_path, monkeypatch).split())
    quoted = re.findall(r"`([^`]+)`", own_entries()[name]["symptom"])
    assert quoted
    for words in quoted:
        assert re.search(re.escape(words).replace("…", ".*"), said), said


def test_every_quoted_message_has_a_test():
    unseen = {
        name
        for name, entry in own_entries().items()
        if "`" in entry["symptom"] and name not in {*SAYS, *api_errors()}
    }
    assert unseen == {"empty-answer"}  # tests/pages/test_api_errors.py tests it
