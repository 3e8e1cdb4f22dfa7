"""Check that statements on the steps' pages are true, such as those about mistakes.

The docstring of each test names the step, and quotes the sentence that the test proves.
"""

import json
import re
import subprocess
import sys

import pytest
import redis
from playwright.sync_api import expect

from tutorial.project import steps
from tutorial.project.files import copy_project
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.services import find_redis
from tutorial.runtime.waiting import wait_for, wait_until
from tutorial.visitor.sockets import NoSocket, open_socket
from tutorial.visitor.visitor import Visitor

# A program in which two threads use one database. Its first argument changes the
# database options, and its second argument says what the threads do. They wait half a
# second for a lock, instead of five seconds. The program prints the errors.
TWO_AT_A_TIME = """
import json, sys, threading
from contextlib import suppress
import django
from config import settings

database = settings.DATABASES["default"]
for name, value in json.loads(sys.argv[1]).items():
    database["OPTIONS"][name] = value
database["OPTIONS"]["timeout"] = 0.5
django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import OperationalError, connection, transaction

call_command("migrate", "auth", verbosity=0)
User.objects.bulk_create(User(username=f"first {number}") for number in range(9))
both_have_read = threading.Barrier(2)
is_reading, is_written = threading.Event(), threading.Event()
errors = []

def read_then_write(name):
    with transaction.atomic():
        User.objects.count()
        # With IMMEDIATE, the other one waits for the end of this transaction.
        with suppress(threading.BrokenBarrierError):
            both_have_read.wait(0.25)
        User.objects.create(username=name)

def read(name):
    rows = User.objects.iterator(chunk_size=1)
    next(rows)
    is_reading.set()
    is_written.wait(9)

def write(name):
    is_reading.wait(9)
    try:
        User.objects.create(username=name)
    finally:
        is_written.set()

def do(work, name):
    try:
        work(name)
    except OperationalError as error:
        errors.append(str(error))
    finally:
        connection.close()

two = {"write": (read_then_write, read_then_write), "read": (read, write)}
works = two[sys.argv[2]]
threads = [threading.Thread(target=do, args=(w, f"n{n}")) for n, w in enumerate(works)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(errors))
"""
LOCKED = ["database is locked"]
DEFERRED = {"transaction_mode": "DEFERRED"}
NO_WAL = {"init_command": "PRAGMA journal_mode=DELETE"}


@pytest.mark.parametrize(
    ("options", "work", "errors"),
    [
        ({}, "write", []),
        ({}, "read", []),
        (DEFERRED, "write", LOCKED),
        (NO_WAL, "read", LOCKED),
    ],
    ids=["two write", "one reads", "without IMMEDIATE", "without WAL"],
)
def test_two_threads_need_all_database_options(options, work, errors, tmp_path):
    """Step 4: "Without the following options, a request or a task can fail"."""
    folder = tmp_path / "project"
    copy_project(steps.find("4").folder, folder)
    program = [sys.executable, "-c", TWO_AT_A_TIME, json.dumps(options), work]
    result = subprocess.run(program, cwd=folder, capture_output=True, text=True)
    assert not result.returncode, result.stderr
    assert json.loads(result.stdout) == errors


@pytest.mark.parametrize(("keeps", "left"), [("yes", 3), ("no", 0)])
def test_messages_survive_a_restart_only_if_redis_writes_a_file(keeps, left, tmp_path):
    """Step 3: "A Redis that writes no file would have lost all three messages"."""
    port = free_port()
    program = [str(find_redis()), "--port", str(port), "--bind", "127.0.0.1"]
    program += ["--dir", str(tmp_path), "--appendonly", keeps, "--save", ""]
    for round_ in (1, 2):
        server = subprocess.Popen(program, stdout=subprocess.DEVNULL)
        try:
            with redis.Redis(port=port, socket_timeout=5) as client:
                wait_until(
                    lambda c=client: answers(c),
                    seconds=10,
                    otherwise="Redis does not start",
                )
                if round_ == 1:
                    client.lpush("celery", 1, 2, 3)
                assert client.llen("celery") == (3 if round_ == 1 else left)
        finally:
            server.terminate()
            server.wait(10)


def answers(client: redis.Redis) -> bool:
    """Whether Redis accepts commands."""
    try:
        return client.ping()
    except redis.ConnectionError:
        return False


@pytest.mark.slow(10)
def test_without_the_except_clause_the_page_does_not_show_an_api_error(run_copy):
    """Step 4: "Without these lines, the task ends with the exception"."""
    running = run_copy(
        "4", "search/tasks.py", "except OpenAIError as", "except ZeroDivisionError as"
    )
    visitor = Visitor(running.site)
    visitor.ask("simulate: rate limit")

    def printed(words: str) -> bool:
        return any(name == "worker" and words in line for name, line in running.log)

    wait_until(
        lambda: printed("Error code: 429"),
        seconds=20,
        otherwise=lambda: str(running.log[-30:]),
    )
    assert printed("Traceback")
    assert "simulate: rate limit" not in visitor.get().page.text


GROUP_FIRST = """\
        # Set before the refusal: Channels calls disconnect() after a refusal, too.
        self.group_name = f"user_{user.id}"
        if not user.is_authenticated:
            raise DenyConnection()
"""
REFUSAL_FIRST = """\
        if not user.is_authenticated:
            raise DenyConnection()
        self.group_name = f"user_{user.id}"
"""


@pytest.mark.slow(10)
def test_disconnect_fails_if_the_group_name_is_set_after_a_refusal(run_copy):
    """Step 6: "Without the name, `disconnect` would fail with an `AttributeError`"."""
    running = run_copy("6", "search/consumers.py", GROUP_FIRST, REFUSAL_FIRST)
    with pytest.raises(NoSocket, match="403"):
        open_socket(Visitor(running.site))
    wait_until(
        lambda: any(
            "AttributeError: 'SearchConsumer'" in line for _, line in running.log
        ),
        seconds=10,
        otherwise=lambda: str(running.log[-30:]),
    )


@pytest.mark.xdist_group("step 6")
def test_two_tabs_are_in_one_group_and_a_private_window_in_another(run_step, chromium):
    """Step 6, exercise: "`show_groups` prints two groups, each with the number 1"."""
    running = run_step("6")

    def groups() -> dict[str, str]:
        shown = running.project.manage("show_groups").stdout
        return dict(re.findall(r"^(user_\d+)  (\d+)$", shown, re.M))

    before = groups()
    window, private = chromium.new_context(), chromium.new_context()
    try:
        for page in (window.new_page(), window.new_page(), private.new_page()):
            page.goto(running.site.url)
            page.get_by_text("Live").wait_for()

        def new() -> list[str]:
            return [count for name, count in groups().items() if name not in before]

        assert wait_for(lambda: new() == ["1", "1"], 10), groups()
    finally:
        window.close()
        private.close()


@pytest.mark.xdist_group("step 7")
def test_code_in_an_answer_runs_if_the_page_uses_inner_html(run_step, chromium):
    """Step 7, the exercise: "the tags disappear, the word "bold" is in bold type"."""
    line = 'item.querySelector(".answer").textContent'
    script = (steps.find("7").folder / "search/static/search/search.js").read_text()
    assert script.count(line) == 1
    script = script.replace(line, line.replace("textContent", "innerHTML"))
    page = chromium.new_page()
    page.route(
        "**/search.js",
        lambda route: route.fulfill(body=script, content_type="text/javascript"),
    )
    page.goto(run_step("7").site.url)
    page.get_by_text("Live").wait_for()
    page.get_by_label("Your question").fill("simulate: script")
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_title("hacked")
    expect(page.locator("#results .answer b")).to_have_text("bold")
    assert "<" not in page.locator("#results .answer").first.inner_text()
    page.close()
