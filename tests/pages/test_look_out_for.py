"""Check what the page for instructors says: the signs of mistakes, and the answers.

Each test quotes the statement on the page that it verifies. Most tests put a mistake
into a step, and check what happens.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.app.processes import kill, restart
from support.checking import is_perfect, named
from support.running import Running, start_running
from tutorial.paths import ROOT
from tutorial.project import steps
from tutorial.project.files import copy_project
from tutorial.repair_shop.patch import PATCHES
from tutorial.runtime.waiting import wait_until
from tutorial.visitor.visitor import Visitor


def on_page(*statements: str, page: str = "instructors.md") -> None:
    """Check that the page still contains these statements, which the test proves."""
    text = " ".join((ROOT / "docs" / page).read_text().split())
    for words in statements:
        assert words in text, f"{page} no longer says “{words}”"


def change(path: Path, *changes: tuple[str, str]) -> None:
    """Replace texts in a file with new ones. Each old text must occur once."""
    text = path.read_text()
    for old, new in changes:
        assert text.count(old) == 1, (path, old)
        text = text.replace(old, new)
    path.write_text(text)


@pytest.fixture
def project(tmp_path) -> Callable[..., Path]:
    """Return a function (step, patch) that copies a step and puts a mistake into it."""

    def make(number: str, patch: str = "") -> Path:
        folder = tmp_path / f"step {number}" / "project"
        copy_project(steps.find(number).folder, folder)
        if patch:
            command = ["git", "apply", str(PATCHES / f"{patch}.patch")]
            subprocess.run(command, cwd=folder, check=True)
        return folder

    return make


@pytest.fixture
def run_folder() -> Iterator[Callable[..., Running]]:
    """Provide a function (step, folder, stand-in options) that runs the project."""
    started: list[Running] = []

    def start(number: str, folder: Path, *options: str) -> Running:
        step = steps.find(number)
        started.append(start_running(step, folder, stand_in_options=options))
        return started[-1]

    yield start
    for running in started:
        running.stop()


def printed(running: Running) -> str:
    """Return all lines that the processes of the project have printed so far."""
    return "\n".join(line for _, line in running.log)


def wait_for(running: Running, words: str) -> None:
    """Wait until one of the project's processes has printed the words."""
    wait_until(
        lambda: words in printed(running),
        seconds=20,
        otherwise=lambda: printed(running),
    )


def test_a_template_in_the_wrong_folder_is_not_found(project, run_folder):
    on_page("The browser then shows the error `TemplateDoesNotExist`.")
    folder = project("1")
    templates = folder / "search" / "templates"
    (templates / "search" / "openai_index.html").rename(templates / "openai_index.html")
    answer = Visitor(run_folder("1", folder).site).get()
    assert answer.status == 500
    assert "TemplateDoesNotExist" in answer.page.text


@pytest.mark.slow(6)
def test_in_step_3_calling_the_task_as_a_function_hangs_and_fails(project, run_folder):
    on_page(
        "If `.delay` is missing in step 3, the page still hangs, and then the view"
        " fails with status 500: a direct call of the task returns `None`, and the"
        " next line of the view reads `task.id`."
    )
    folder = project("3")
    change(folder / "search" / "views.py", ("_task.delay(", "_task("))
    answer = Visitor(run_folder("3", folder).site).ask("What is a broker?")
    assert answer.status == 500
    assert answer.seconds > 3
    assert "'NoneType' object has no attribute 'id'" in answer.page.text


@pytest.mark.lab
def test_in_step_2_calling_the_task_as_a_function_makes_no_difference(
    project, run_folder
):
    on_page(
        "`fetch_openai_results_task(...)` without `.delay`. In this step you see no"
        " difference, because the page hangs for three seconds with `.delay`, too."
    )
    for changes in ([], [("_task.delay(", "_task(")]):
        folder = project("2")
        change(folder / "search" / "views.py", *changes)
        running = run_folder("2", folder)
        visitor = Visitor(running.site)
        answer = visitor.ask("What is a broker?")
        assert (answer.status, answer.location) == (302, "/")
        assert answer.seconds > 3
        assert "Search has started!" in visitor.get().page.text
        running.stop()
        shutil.rmtree(folder)


@pytest.mark.lab
def test_passing_a_user_instead_of_its_id_fails_with_status_500(project, run_folder):
    on_page(
        "With `request.user` instead of its id, the view fails with status 500: a user"
        ' "is not JSON serializable"'
    )
    folder = project("2")
    change(folder / "search" / "views.py", ("request.user.id)", "request.user)"))
    answer = Visitor(run_folder("2", folder).site).ask("What is a broker?")
    assert answer.status == 500
    assert "is not JSON serializable" in answer.page.text


@pytest.mark.xdist_group("step 3")
def test_the_message_is_json_and_names_the_task(run_step):
    on_page(
        "a message contains the name of a task and the task's arguments",
        "(Yes: the message is JSON.)",
    )
    site = run_step("3").site
    Visitor(site).ask("What is JSON?")
    message = site.waiting_messages()[-1]
    assert message["content-type"] == "application/json"
    assert message["headers"]["task"] == "search.tasks.fetch_openai_results_task"


@pytest.mark.lab
def test_a_message_is_lost_if_the_worker_is_killed_during_the_task(project, run_folder):
    on_page(
        "what happens if the worker is killed in the middle of a task? (The message is"
        " lost, so the visitor waits for ever, even after the worker has started again."
    )
    running = run_folder("4", project("4"), "--latency", "3")
    lost, next_one = Visitor(running.site), Visitor(running.site)
    lost.ask("What is a broker?")
    wait_until(running.site.requests_to_openai, seconds=20, otherwise="no API call")
    kill(running.project.running["worker"])
    restart(running, "worker")
    next_one.ask("What is a worker?")
    wait_for(running, "stage 4 · worker")
    wait_until(
        lambda: "A worker is" in next_one.get().page.text,
        seconds=20,
        otherwise="the next question has no answer",
    )
    assert not running.site.waiting_messages()
    assert "What is a broker?" not in lost.get().page.text


@pytest.mark.lab
def test_a_worker_keeps_running_the_code_that_it_started_with(project, run_folder):
    on_page(
        "The worker keeps running the code with which it started.",
        "It keeps running the old code, and the page does not show that.",
    )
    folder = project("4")
    running = run_folder("4", folder)
    change(folder / "search" / "tasks.py", ("stage 4 · worker", "STAGE FOUR"))
    Visitor(running.site).ask("What is a broker?")
    wait_for(running, "stage 4 · worker")
    assert "STAGE FOUR" not in printed(running)
    kill(running.project.running["worker"])
    restart(running, "worker")
    Visitor(running.site).ask("What is a broker?")
    wait_for(running, "STAGE FOUR")


@pytest.mark.lab
def test_the_handler_runs_in_the_worker_and_only_if_it_is_imported(project, run_folder):
    on_page("(In the worker.)", "when its module is imported.)")
    running = run_folder("5", project("5"))
    Visitor(running.site).ask("What is a signal?")
    wait_for(running, "stage 5 · signal")
    process = next(name for name, line in running.log if "stage 5 · signal" in line)
    assert process == "worker"
    running.stop()
    change(
        running.project.folder / "search" / "apps.py",
        ("from . import handlers", "pass; from . import signals"),
    )
    running = run_folder("5", running.project.folder)
    Visitor(running.site).ask("What is a signal?")
    wait_for(running, "succeeded in")
    assert "stage 5 · signal" not in printed(running)


@pytest.mark.lab
def test_check_finds_a_wrong_group_name_one_step_later(project, check_here):
    on_page("`check 5` passes. Only `check 6` finds the mistake.")
    for number in ("5", "6"):
        folder = project(number)
        change(folder / "search" / "handlers.py", ('f"user_{', 'f"users_{'))
        report = check_here(number, folder)
        if number == "5":
            assert is_perfect(report)
        else:
            assert named(report)["id"] == "group-names-differ"


@pytest.mark.lab
def test_the_web_process_logs_that_a_message_has_no_handler(
    project, run_folder, chromium
):
    on_page('If the method has another name, the web process logs "No handler for')
    running = run_folder("6", project("6", "wrong_type"))
    page = chromium.new_page()
    page.goto(running.site.url)
    page.get_by_text("Live").wait_for()
    page.get_by_label("Your question").fill("What is a group?")
    page.get_by_role("button", name="Search").click()
    wait_for(running, "No handler for message type")
    speaks = {name for name, line in running.log if "No handler for message" in line}
    assert speaks == {"web"}


@pytest.mark.lab
def test_two_tabs_and_a_private_window_create_two_groups(run_step, chromium):
    on_page(
        "How many groups are there, and how many sockets? (Two groups, three sockets.)"
    )
    on_page(
        "`show_groups` prints two groups, each with the number 1.",
        page="steps/6-consumer.md",
    )
    running = run_step("6")
    usual, private = chromium.new_context(), chromium.new_context()
    pages = []
    for context in (usual, usual, private):
        pages.append(context.new_page())
        pages[-1].goto(running.site.url)
        pages[-1].get_by_text("Live").wait_for()
    assert len(pages) == 3
    shown = running.project.manage("show_groups").stdout
    lines = shown.split("\n")
    assert lines[0] == "groups with subscribers: 2"
    assert [line.split()[1] for line in lines[1:3]] == ["1", "1"]


def test_the_server_does_not_start_if_daphne_is_the_last_app(project, run_folder):
    on_page("The server does not start, and prints the error `daphne.E001`.")
    on_page("and prints the error `daphne.E001`", page="steps/6-consumer.md")
    folder = project("6", "daphne_last")
    with pytest.raises(Exception, match=r"daphne\.E001"):
        run_folder("6", folder)


def test_the_page_is_offline_if_daphne_is_missing(project, run_folder, chromium):
    on_page('the server says "Starting development server", without "ASGI"')
    on_page(
        "the app `daphne` is missing from `INSTALLED_APPS`",
        page="steps/6-consumer.md",
    )
    running = run_folder("6", project("6", "daphne_missing"))
    wait_for(running, "Starting development server")
    assert "Starting ASGI" not in printed(running)
    page = chromium.new_page()
    page.goto(running.site.url)
    page.get_by_text("Offline").wait_for()


DAY = 86_400  # seconds


def test_a_plain_reload_may_run_the_old_script(project, run_folder, chromium):
    on_page("After a change to the script, a plain reload may run the old version.")
    folder = project("7")
    script = folder / "search" / "static" / "search" / "search.js"
    # By default, a browser caches a file for a tenth of the time since its last change.
    then = time.time() - 30 * DAY
    os.utime(script, (then, then))
    site = run_folder("7", folder).site
    page = chromium.new_page()
    page.goto(site.url)
    page.get_by_text("Live").wait_for()
    change(script, ('"Live"', '"Changed"'))
    page.reload()
    page.get_by_text("Live").wait_for()
    # This reloads the page without the cache, as Ctrl-Shift-R does.
    page.context.new_cdp_session(page).send("Page.reload", {"ignoreCache": True})
    page.get_by_text("Changed").wait_for()
