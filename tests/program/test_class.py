"""Tests of `tutorial check` for a class: the table, and the limits of each check."""

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from support import website
from support.folders import make
from support.program import check_message, tutorial
from tutorial.classroom import command, keeper, kept
from tutorial.classroom.keeper import Order
from tutorial.paths import ROOT
from tutorial.runtime.waiting import wait_until

SECRET = "sk-a-secret-key-that-nobody-may-read"

# Code that prints the environment of the web process.
PRINTS = "import os\n\nprint('environment:', dict(os.environ), flush=True)\n"
HANGS = "import time\n\ntime.sleep(600)\n"
# Code that starts a process in another process group, with another parent, and with no
# environment variables.
ESCAPES = """
import os
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    os.execve("/bin/sleep", ["sleep", "600"], {})
"""


def change(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new))


def put_first(folder: Path, file: str, code: str) -> None:
    """Insert code at the beginning of a file, so that importing the file runs it."""
    (folder / file).write_text(code + (folder / file).read_text())


def make_class(place: Path) -> Path:
    """Make the folders of a class.

    No project needs a worker, so the checks are quick.
    """
    make(place / "done", "2")
    make(place / "half", "1")
    make(place / "broken", "2")
    change(place / "broken", "search/views.py", "task.delay(", "task(")
    make(place / "nested" / "my-search", "1")
    make(place / "two" / "first", "1")
    make(place / "two" / "second", "1")
    (place / "empty").mkdir()
    make(place / "prints", "1")
    put_first(place / "prints", "config/urls.py", PRINTS)
    make(place / "escapes", "1")
    put_first(place / "escapes", "config/urls.py", ESCAPES)
    make(place / "fills", "1")
    fills = "open('big', 'wb').truncate(10**12)\n"
    put_first(place / "fills", "config/urls.py", fills)
    (place / "notes.txt").write_text("no folder")
    return place


def check_class(place: Path, *names: str, **options) -> tuple[int, str]:
    """Check the class, or only the folders `names`, in this process and up to stage 2.

    Returns the exit status and the output.
    """
    given = {"form": "table", "html": None, "jobs": 2, "seconds": None}
    given |= {"again": False, "strict": False} | options
    text = io.StringIO()
    before = signal.getsignal(signal.SIGHUP)
    try:
        with contextlib.redirect_stdout(text):
            folder = None if names else str(place)
            status = command.check([*names], folder, 2, **given)
    finally:
        signal.signal(signal.SIGHUP, before)  # `check` has changed the handler
    return status, text.getvalue()


@pytest.fixture(scope="module")
def the_class(tmp_path_factory):
    """Check a class once; yield its folder, exit status, JSON output and HTML file."""
    place = make_class(tmp_path_factory.mktemp("checked") / "class")
    html = place.parent / "class.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "PLACE", place.parent / "kept")
        for name in ("OPENAI_API_KEY", "GITHUB_TOKEN", "DATABASE_PASSWORD"):
            patch.setenv(name, SECRET)
        status, said = check_class(place, html=str(html), form="json")
        yield place, status, json.loads(said), html


shared = pytest.mark.xdist_group("class")


@shared
@pytest.mark.slow(60)
def test_the_table_has_a_row_with_the_result_of_each_folder(the_class):
    _, status, data, _ = the_class
    rows = {one["name"]: one for one in data["folders"]}
    standings = {name: one["standing"] for name, one in rows.items()}
    assert standings == {
        "broken": "step 2, broken at stage 2",
        "done": "step 2",
        "empty": "not checked",
        "escapes": "step 1",
        "fills": "step 1, does not start",
        "half": "step 1",
        "nested": "step 1",
        "prints": "step 1",
        "two": "not checked",
    }
    assert rows["two"]["hop"] == "2 projects: first/, second/"
    assert rows["empty"]["hop"] == "the folder is empty"
    assert rows["nested"]["notes"] == ["the project is in my-search/"]
    assert rows["half"]["hop"].startswith("next: 2 view: No view takes the POST (")
    assert rows["broken"]["at"].startswith("search/views.py:")
    assert rows["fills"]["at"] == "config/urls.py:1"
    assert "still running after the check" in rows["escapes"]["notes"][0]
    assert status == 2, "some folders could not be checked"
    assert data["stumbles"][0]["folders"]


@shared
def test_no_project_sees_secret_variables_of_the_instructor(the_class):
    _, _, data, html = the_class
    report = next(one for one in data["folders"] if one["name"] == "prints")["report"]
    assert "environment:" in str(report["log"]), (
        "the project has not printed its environment"
    )
    assert SECRET not in json.dumps(data) + html.read_text()
    assert str(Path.home()) + "'" not in str(report["log"])


@shared
def test_a_second_run_checks_only_what_has_changed(the_class):
    place, *_ = the_class
    status, said = check_class(place)
    assert status == 2
    assert "(7 not changed since an earlier check)" in said, said
    (place / "half" / "search" / "new.py").write_text("")
    try:
        _, said = check_class(place, form="json")
        kept_ones = {one["name"] for one in json.loads(said)["folders"] if one["kept"]}
        assert "half" not in kept_ones
        assert "done" in kept_ones
    finally:
        (place / "half" / "search" / "new.py").unlink()


@pytest.mark.slow(20)
def test_the_check_of_a_project_that_hangs_is_stopped_at_its_time_limit(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(kept, "PLACE", tmp_path / "kept")
    place = tmp_path / "class"
    (place / "empty").mkdir(parents=True)
    make(place / "hangs", "1")
    put_first(place / "hangs", "config/urls.py", HANGS)
    for seconds, is_kept in ((4, False), (3, True), (5, False)):
        _, said = check_class(place, seconds=seconds)
        spent = 4 if is_kept else seconds
        assert f"it was stopped after {spent} s" in said
        assert ("(1 not changed" in said) == is_kept


@shared
def test_unchanged_folders_are_checked_if_again_is_set(the_class):
    place, *_ = the_class
    names = [f"{place}/half", f"{place}/empty", f"{place}/notes.txt"]
    status, said = check_class(place, *names, again=True)
    assert status == 2
    assert "of 2 folders in " in said
    assert f"Left out, because it is not a folder: {place}/notes.txt" in said


@shared
def test_the_table_can_be_printed_as_csv(the_class):
    place, *_ = the_class
    _, said = check_class(place, form="csv")
    rows = {one["name"]: one for one in csv.DictReader(io.StringIO(said))}
    assert rows["done"]["state"] == "works"
    assert (rows["broken"]["reached"], rows["broken"]["done"]) == ("2", "1")
    assert rows["nested"]["notes"] == "the project is in my-search/"


@shared
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_html_page_can_be_sorted_and_is_accessible(the_class, chromium, scheme):
    _, _, data, html = the_class
    page = chromium.new_context(color_scheme=scheme).new_page()
    errors, requests = [], []
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(html.as_uri())

    def names() -> list[str]:
        return page.locator("tbody th").all_inner_texts()

    expected = [one["name"] for one in data["folders"]]
    assert names() == expected == sorted(expected)
    # Use the keyboard to reverse the order, and to sort by another column.
    page.get_by_role("button", name="Name").focus()
    page.keyboard.press("Enter")
    assert names() == expected[::-1]
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Name")
    page.get_by_role("button", name="Reached").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    assert names()[0] == "done"
    report = page.locator("tbody", has_text="Report of broken").last
    assert not report.locator("pre").is_visible()
    report.locator("summary").click()
    assert "The flow breaks at stage 2" in report.locator("pre").inner_text()
    top = page.locator(".stumbles > li").first
    assert data["stumbles"][0]["title"] in top.inner_text()
    assert not errors
    assert requests == [html.as_uri()]
    background = "getComputedStyle(document.body).backgroundColor"
    is_dark = page.evaluate(background) != "rgb(255, 255, 255)"
    assert is_dark == (scheme == "dark")
    assert not website.violations(page)
    page.set_viewport_size({"width": 375, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


# --- the limits of a check ----------------------------------------------------------


def keep(code: str, **limits) -> tuple[dict, str]:
    """Run a Python program under the keeper, which enforces the limits.

    Return the keeper's report about the end of the program, and the program's folder.
    """
    with tempfile.TemporaryDirectory() as place:
        order = Order(
            **{"command": [sys.executable, "-c", code], "seconds": 20.0}
            | {"folder": f"{place}/folder"}
            | limits
        )
        with start_keeper(order) as child:
            output = child.stdout.read()
        assert child.returncode == 0
        assert not Path(order.folder).exists()
    assert not list(keeper.marked(MARK))
    return json.loads(output), order.folder


MARK = f"test-{os.getpid()}"


def start_keeper(order: Order) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", keeper.__name__, json.dumps(asdict(order))],
        cwd=ROOT,
        env=os.environ | {keeper.MARK: MARK},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_command_within_its_limits_is_not_stopped():
    code = "import os; print(os.environ['HOME'], os.environ['TMPDIR'])"
    ending, folder = keep(code)
    assert ending["output"].split() == [f"{folder}/home", folder]
    assert (ending["status"], ending["limit"], ending["left"]) == (0, "", 0)


@pytest.mark.parametrize(
    ("code", "limits", "words"),
    [
        ("import time; time.sleep(60)", {"seconds": 1.0}, "stopped after 1 s"),
        (
            "import os, time\n"
            "for number in range(40):\n"
            "    path = f\"{os.environ['TMPDIR']}/{number}\"\n"
            "    open(path, 'wb').write(bytes(100_000))\n"
            "time.sleep(60)",
            {"megabytes": 2},
            "wrote more than 2 MB",
        ),
        (
            "import os, time\n"
            "for number in range(12):\n"
            "    if os.fork() == 0:\n"
            "        os.setsid(); time.sleep(60); os._exit(0)\n"
            "time.sleep(60)",
            {"processes": 8},
            "more than 8 processes",
        ),
        (
            "import time; kept = b'x' * 60_000_000; time.sleep(60)",
            {"memory_megabytes": 40},
            "more than 40 MB",
        ),
    ],
    ids=["time", "disk", "processes", "memory"],
)
def test_a_command_that_exceeds_a_limit_is_stopped_with_all_its_processes(
    code, limits, words
):
    ending, _ = keep(code, **limits)
    assert words in ending["limit"]
    assert ending["is_timeout"] == ("seconds" in limits)


def test_the_system_refuses_a_file_that_exceeds_the_size_limit():
    code = "import os; open(f\"{os.environ['TMPDIR']}/big\", 'wb').truncate(2 * 10**6)"
    ending, _ = keep(code, file_megabytes=1)
    assert "File too large" in ending["errors"]


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted only on Linux")
def test_a_process_that_left_its_group_and_its_parent_is_killed():
    # Use a unique command line, because other tests start `sleep`, too.
    sleep = ["sleep", f"600.{os.getpid()}"]
    ending, _ = keep(ESCAPES.replace('["sleep", "600"]', f"{sleep}"))
    assert ending["left"] == 1
    left = psutil.process_iter(["cmdline"])
    assert not [one for one in left if one.info["cmdline"] == sleep]


def test_the_keeper_stops_the_check_when_its_own_input_is_closed(tmp_path):
    order = Order(["sleep", "600"], str(tmp_path / "folder"), 60.0)
    child = start_keeper(order)
    wait_until(
        lambda: len(list(keeper.marked(MARK))) == 2, seconds=20, otherwise="no child"
    )
    output, _ = child.communicate(timeout=20)  # closes the keeper's input
    assert json.loads(output)["limit"] == "it was interrupted"
    assert not list(keeper.marked(MARK))
    assert not Path(order.folder).exists()


@pytest.mark.slow(15)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing_behind(number, tmp_path):
    for name in ("ada", "ben", "cleo"):
        make(tmp_path / "class" / name, "1")
        put_first(tmp_path / "class" / name, "config/urls.py", HANGS)
    scratch = Path(tempfile.mkdtemp(prefix="t"))
    child = subprocess.Popen(
        [*(sys.executable, "-m", "tutorial", "check", "1", "--jobs", "2")]
        + ["--class", str(tmp_path / "class")],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    started: set[psutil.Process] = set()

    def are_running() -> bool:
        started.update(psutil.Process(child.pid).children(recursive=True))
        return sum("runserver" in command_of(one) for one in started) >= 2

    try:
        wait_until(are_running, seconds=60, otherwise="no web process was started")
        child.send_signal(number)
        output, _ = child.communicate(timeout=30)
        _, alive = psutil.wait_procs(started, timeout=15)
        assert not alive
        left = [path for path in scratch.rglob("*") if path.is_file()]
        assert not left
        if number == signal.SIGINT:
            assert child.returncode == 130
            assert "Traceback" not in output
            assert not list(scratch.iterdir())
    finally:
        child.kill()
        child.wait()
        keeper.remove(scratch)


def command_of(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


# --- the command line ---------------------------------------------------------------


def test_wrong_arguments_are_reported(tmp_path):
    for name in ("ada", "ben"):
        make(tmp_path / name, "1")
    ada, ben = str(tmp_path / "ada"), str(tmp_path / "ben")
    check_message(tutorial("check", "1", ada, f"{ben}x"), "There is no folder")
    check_message(tutorial("check", "1", ada, ben, "--watch"), "--watch")
    check_message(tutorial("check", "1", ada, ben, "--csv", "--json"), "--json")
    check_message(tutorial("check", "1", "--class", ada, ben), "--class")
    check_message(tutorial("check", "1", "--csv"), "--class")
    check_message(tutorial("check", "1", ada, ben, "--jobs", "0"), "--jobs")
    result = tutorial("check", "1", ada, ben, "--html", f"{tmp_path}/no/file.html")
    check_message(result, "cannot be written")
    help_ = tutorial("check", "-h").stdout
    assert "executes its code, with your rights" in " ".join(help_.split())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse the name")
def test_a_folder_whose_name_is_not_utf8_is_in_the_table(tmp_path):
    """Archives from other systems often contain folders with such names."""
    name = os.fsdecode(b"J\xfcrgen")
    (tmp_path / "class" / name).mkdir(parents=True)
    place, html = str(tmp_path / "class"), tmp_path / "class.html"
    options = ("--class", place, "--json", "--html", str(html))
    result = tutorial("check", "1", *options, PYTHONIOENCODING="utf-8:strict")
    assert json.loads(result.stdout)["folders"][0]["name"] == name, result.stderr
    assert "J\N{REPLACEMENT CHARACTER}rgen" in html.read_text()


@pytest.mark.lab
@pytest.mark.slow(240)
def test_checking_thirty_folders_at_step_4_takes_at_most_four_minutes(tmp_path):
    for number in range(30):
        folder = make(tmp_path / "class" / f"learner-{number:02}", "4")
        (folder / "search" / "notes.py").write_text(f"NUMBER = {number}\n")
    started = time.monotonic()
    place = str(tmp_path / "class")
    result = tutorial("check", "4", "--class", place, "--again", seconds=600)
    assert result.returncode == 0, result.stdout
    assert time.monotonic() - started < 240
