"""`tutorial check` finds the mistakes in a project, and leaves nothing behind."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
import redis

from support.checking import check, is_perfect, named, run_check
from tutorial.check import glance, older_code, start
from tutorial.check.code import Code, files_of_worker
from tutorial.check.mistakes import mistakes
from tutorial.check.report import Result, line_of
from tutorial.check.session import end_on_hangup
from tutorial.check.stages import stage_0_start
from tutorial.paths import ROOT, VENV
from tutorial.project import steps
from tutorial.project.files import copy_project, files
from tutorial.runtime import services
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.processes import Processes
from tutorial.runtime.waiting import wait_until

# For each step: the mistake that `check` finds at the next stage, and the file that
# `check` then points to.
MISSING = {
    "1": ("no-view-takes-post", "config/urls.py"),
    "2": ("eager-left-on", "config/settings.py"),
    "3": ("no-worker", "Procfile"),
    "4": ("signal-not-sent", "search/tasks.py"),
    "5": ("daphne-missing", "config/settings.py"),
    "6": ("page-reloads", "search/static/search/search.js"),
}

SECRET = "sk-a-secret-key-that-nobody-may-read"


@pytest.fixture
def project(tmp_path):
    """Return a function that makes a learner's folder with the project of a step."""

    def make(name: str) -> Path:
        folder = tmp_path / "my search"
        copy_project(steps.find(name).folder, folder)
        return folder

    return make


@pytest.fixture
def scratch():
    """Yield a temporary folder whose path is short enough for the browser's sockets."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        yield Path(folder)


def states(report: dict) -> list[str]:
    """Return the state of each stage, including stage 0, the start."""
    return [result["state"] for result in report["stages"]]


# Without `-m lab`, the next test checks only these steps. For all steps,
# tests/steps/test_stages.py tests what `check` can see without the observer.
EXPLAINED = ("2", "4", "5")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in EXPLAINED else [pytest.mark.lab])
        for name in MISSING
    ],
)
def test_a_step_passes_up_to_its_own_stage_and_breaks_at_the_next(
    name, project, check_here
):
    number = int(name)
    report = check_here(str(number + 1), project(name))
    assert states(report) == ["passed"] * (number + 1) + ["broken"], report
    mistake, file = MISSING[name]
    assert named(report)["id"] == mistake
    assert named(report)["at"].rpartition(":")[0] == file


# Environment variables that name proxies. The proxies do not answer, and no installed
# package supports SOCKS.
NOWHERE = dict.fromkeys(services.PROXIES, "http://127.0.0.1:9")
NOWHERE |= {"ALL_PROXY": "socks5://127.0.0.1:9", "all_proxy": "socks5://127.0.0.1:9"}


def test_the_finished_app_passes():
    """The app passes even if requests to other machines go through a proxy."""
    alone = {"NO_PROXY": "", "no_proxy": ""}
    result = run_check("final", "--json", **NOWHERE, **alone)
    report = json.loads(result.stdout)
    assert is_perfect(report), report
    assert states(report) == ["passed"] * 8
    assert all(result["evidence"] for result in report["stages"])
    assert not report["advice"]


# Patterns for names in step 7, and the texts that replace them, in this order.
NAMES = {
    r"\bsearch_results\b": "lookups",
    r"\bsearch_result\b": "lookup",
    r"\bSearchResult\b": "Lookup",
    r"\bsearch_completed\b": "lookup_done",
    r"\bsend_search_result\b": "lookup_ready",
    r"\bfetch_openai_results_task\b": "ask_the_model",
    r"\bSearchConsumer\b": "LookupSocket",
    r"\bSearchForm\b": "AskForm",
    r"\bSearchConfig\b": "FinderConfig",
    r"\bopenai_index\b": "ask",
    r"\bbroadcast_search_result\b": "tell_the_browser",
    r"\bsearch(?=[./\"'])": "finder",
    r"\bfrom search\b": "from finder",
    r"ws/finder/": "live/",
    r"user_\{": "reader-{",
    r"\bquery\b": "wish",
    r"\banswer\b": "reply",
    r"Search has started!": "Wir suchen. Einen Moment bitte.",
    r"path\(\"\", ": 'path("ask/me/", ',
    r"\bconfig\b(?=[.\"\s])(?!\"\])": "site1",
}


def rename(folder: Path) -> None:
    """Rename everything in a copy of step 7, and move its files."""
    (folder / "search").rename(folder / "finder")
    (folder / "config").rename(folder / "site1")
    app = folder / "finder"
    (app / "templates" / "search").rename(app / "templates" / "finder")
    (app / "static" / "search").rename(app / "static" / "finder")
    index = app / "templates" / "finder" / "openai_index.html"
    index.rename(index.with_name("ask.html"))
    script = app / "static" / "finder" / "search.js"
    script.rename(script.with_name("finder.js"))
    (app / "handlers.py").rename(app / "listeners.py")
    (app / "consumers.py").rename(app / "sockets.py")
    shutil.rmtree(app / "management")
    for path in files(folder).values():
        text = path.read_text()
        for old, new in NAMES.items():
            text = re.sub(old, new, text)
        for old, new in {"handlers": "listeners", "consumers": "sockets"}.items():
            text = re.sub(rf"(import |from \.){old}\b", rf"\g<1>{new}", text)
        path.write_text(
            re.sub(
                r"\n *logger\.info\((.|\n)*?\n    ( {4})*\)\n|\n *logger\.info\(.*\)\n",
                "\n",
                text,
            )
        )


@pytest.mark.lab
def test_a_project_with_other_names_of_files_and_functions_passes(project, check_here):
    folder = project("7")
    rename(folder)
    # Also remove the Procfile, and the versions in requirements.txt.
    (folder / "Procfile").unlink()
    (folder / "requirements.txt").write_text("django\ncelery[redis]\nopenai\n")
    report = check_here("7", folder)
    assert is_perfect(report), json.dumps(named(report), indent=2)
    assert "/live/" in report["stages"][6]["evidence"]


def test_the_printed_report_explains_the_mistake(project):
    folder = project("5")
    apps = folder / "search" / "apps.py"
    text = apps.read_text()
    apps.write_text(text[: text.index("    def ready")])
    result = run_check("6", str(folder))
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "The flow breaks at stage 5, signal"
    assert lines[2].split()[0] == "passed"
    assert "BROKEN  5 signal" in result.stdout
    for label in ("expected", "seen", "cause", "where", "fix", "read"):
        assert re.search(rf"^ +{label} +\S", result.stdout, re.M), result.stdout
    assert re.search(r"where +search/handlers.py:\d+", result.stdout)
    # Stage 6 is checked, too, as far as it can be checked without stage 5.
    assert "BROKEN  6 consumer  `daphne` is missing" in result.stdout
    assert f"python3 -m tutorial diff '{folder}' 6" in lines[-3]
    assert "\033[" not in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_a_hint_continues_the_sentence_before_it(project, check_here):
    folder = project("2")
    # The handler is missing as well, but the hint about the channel layer comes first.
    signals = "from django.dispatch import Signal\n\nsearch_completed = Signal()\n"
    (folder / "search" / "signals.py").write_text(signals)
    report = check_here("5", folder)
    assert named(report)["id"] == "eager-left-on"
    result = Result(**report["stages"][5])
    said = line_of(result, lambda style, text: text)
    assert said == "not reached  5 signal: it seems that there is no channel layer"
    # Inside the sentence, the title of a mistake begins with a small letter, so no
    # title may begin with a name.
    source = Path(glance.__file__).read_text()
    for name in re.findall(r'yield "([\w-]+)"', source):
        assert re.match(r"(A|The|There|No) |`", mistakes()[name].title), name


def digests(folder: Path) -> dict[str, str]:
    """Return a digest of every file below the folder, by its path."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_check_changes_neither_the_folder_nor_its_database_nor_redis(
    project, tmp_path, scratch
):
    folder = project("4")
    settings = folder / "config" / "settings.py"
    # The settings contain the fixed address of a Redis server that is running.
    with Processes(lambda name, line: None) as processes:
        _, url = services.start_redis(processes, tmp_path, free_port())
        text = settings.read_text()
        text = re.sub(r"REDIS_URL = os.*", f'REDIS_URL = "{url}"', text)
        settings.write_text(text)
        migrate(folder)
        (folder / ".env").write_text(f"OPENAI_API_KEY={SECRET}\n")
        before = digests(folder)
        client = redis.Redis.from_url(url)
        client.set("mine", "as it was")
        report = check(
            *("4", folder),
            REDIS_URL=url,
            OPENAI_API_KEY=SECRET,
            TMPDIR=str(scratch),
        )
        assert is_perfect(report), report
        assert client.keys("*") == [b"mine"]
        assert client.info("stats")["total_commands_processed"] < 20
        client.close()
    assert digests(folder) == before
    assert SECRET not in json.dumps(report)
    assert not list(scratch.glob("tutorial*"))


def migrate(folder: Path) -> None:
    """Create the folder's own database."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=folder,
        env=environment,
        check=True,
    )


def test_a_migration_that_is_not_applied_is_reported(project, check_here):
    """The folder looks as if a learner had run step 3 and then typed step 4."""
    folder = project("3")
    migrate(folder)
    copy_project(steps.find("4").folder, folder)
    found = named(check_here("4", folder))
    assert (found["id"], found["stage"]) == ("migration-not-applied", 4)
    assert "search.0001_initial" in found["seen"]
    assert "migrate" in found["fix"]
    with contextlib.closing(sqlite3.connect(folder / "db.sqlite3")) as database:
        query = "SELECT name FROM sqlite_master WHERE name = 'search_searchresult'"
        assert not database.execute(query).fetchall(), "check has applied the migration"


# `check` finds the worker by its command line. A forked process would show the command
# line of a different program.
@pytest.mark.usefixtures("without_forks")
def test_a_worker_that_runs_older_code_is_reported(project, tmp_path):
    folder = project("7")
    with Processes(lambda name, line: None) as processes:
        _, url = services.start_redis(processes, tmp_path, free_port())
        environment = os.environ | {"REDIS_URL": url, "PYTHONDONTWRITEBYTECODE": "1"}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        worker = processes.start(
            "worker",
            [str(VENV / "bin" / "celery"), "--app", "config", "worker", "--pool=solo"],
            folder=folder,
            environment=environment,
        )
        wait_until(
            lambda: any("[queues]" in line for line in worker.lines),
            seconds=60,
            otherwise=lambda: "\n".join(worker.lines),
        )
        # Files that the worker never imports may change.
        for name in ("consumers", "routing", "views", "forms"):
            (folder / "search" / f"{name}.py").touch()
        (folder / "config" / "asgi.py").touch()
        assert not older_code.advice(folder)
        (folder / "search" / "tasks.py").touch()
        report = check("4", folder)
    assert is_perfect(report), report
    assert len(report["advice"]) == 1
    assert report["advice"][0].startswith("search/tasks.py was changed after your")
    assert f"process {worker.child.pid}" in report["advice"][0]


WORKER = {
    *("config/__init__.py", "config/settings.py", "config/celery.py"),
    *("search/__init__.py", "search/apps.py", "search/models.py", "search/signals.py"),
    *("search/tasks.py", "search/handlers.py"),
}


def test_the_files_that_a_worker_imports_are_found(project):
    folder = project("7")
    assert files_of_worker(folder) == WORKER
    (folder / "search" / "prompts.py").write_text("PROMPT = 'Answer in a sentence.'\n")
    (folder / "search" / "late.py").write_text("")
    tasks = folder / "search" / "tasks.py"
    tasks.write_text(
        "from importlib import import_module\nfrom search.prompts import PROMPT\n"
        f"{tasks.read_text()}\n\nimport_module('search.late')\n"
    )
    more = {"search/prompts.py", "search/late.py"}
    assert files_of_worker(folder) == WORKER | more


def test_the_files_that_the_worker_of_the_finished_app_imports_are_found():
    files = files_of_worker(steps.find("final").folder)
    assert {"search/loop.py", "search/rounds.py", "search/answers.py"} <= files
    assert not {"search/views.py", "search/consumers.py", "config/asgi.py"} & files


def test_the_files_that_a_worker_imports_are_found_under_other_names(project):
    folder = project("7")
    rename(folder)
    names = {path.replace("config/", "site1/") for path in WORKER}
    names = {path.replace("search/", "finder/") for path in names}
    assert files_of_worker(folder) == {
        path.replace("handlers", "listeners") for path in names
    }


@pytest.mark.parametrize("inherited", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_closed_terminal_ends_the_check_unless_nohup_started_the_check(inherited):
    before = signal.getsignal(signal.SIGHUP), signal.getsignal(signal.SIGTERM)
    try:
        signal.signal(signal.SIGHUP, inherited)  # nohup sets SIG_IGN
        signal.signal(signal.SIGTERM, end := lambda number, frame: None)
        end_on_hangup()
        expected = inherited if inherited == signal.SIG_IGN else end
        assert signal.getsignal(signal.SIGHUP) == expected
    finally:
        signal.signal(signal.SIGHUP, before[0])
        signal.signal(signal.SIGTERM, before[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_check_and_all_its_processes(number, project, scratch):
    folder = project("4")
    child = subprocess.Popen(
        [sys.executable, "-m", "tutorial", "check", "4", str(folder)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # If nohup started the tests, they ignore SIGHUP. The child must not ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    started: set[psutil.Process] = set()

    def commands() -> list[str]:
        found = []
        for process in list(started):
            with contextlib.suppress(psutil.Error):
                found.append(" ".join(process.cmdline()))
        return found

    def has_worker() -> bool:
        started.update(psutil.Process(child.pid).children(recursive=True))
        return any("celery" in command for command in commands())

    try:
        wait_until(has_worker, seconds=60, otherwise="no worker was started")
        assert sum("reaper.py" in command for command in commands()) == 1
        child.send_signal(number)
        output, _ = child.communicate(timeout=30)
    finally:
        child.kill()
    assert child.returncode in (130, 143, 129), output
    assert "Traceback" not in output
    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive
    assert not list(scratch.glob("tutorial*"))


def test_with_the_option_watch_each_change_is_checked(project, tmp_path, scratch):
    folder, printed = project("2"), tmp_path / "printed.txt"
    views = folder / "search" / "views.py"
    right = views.read_text()
    with printed.open("w") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "tutorial", "check", "2", str(folder), "--watch"],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(scratch)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def wait_for_words(words: str, times: int = 1) -> None:
        wait_until(
            lambda: printed.read_text().count(words) >= times,
            seconds=60,
            otherwise=printed.read_text,
        )

    try:
        wait_for_words("The flow works up to stage 2, view")
        views.write_text(right.replace(".delay(", "("))
        wait_for_words("The flow breaks at stage 2, view")
        wait_for_words("read ")
        assert "BROKEN  2 view" in printed.read_text()
        views.write_text(right)
        wait_for_words("The flow works up to stage 2, view", 2)
        wait_for_words("gone    The task is called as a plain function")
        # The later reports show only what has changed.
        assert printed.read_text().count("passed  1 template") == 1
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=10) == 0
    finally:
        child.kill()
        child.wait()
    assert not list(scratch.glob("tutorial*"))


def test_settings_that_hang_cause_no_exception_in_the_check():
    class Project:
        def call(self, command, **options):
            raise subprocess.TimeoutExpired(command, options["timeout"])

    start.write_survey(Project(), [])


def test_a_folder_that_is_not_a_project_is_reported(tmp_path):
    result = run_check("3", str(tmp_path))
    assert result.returncode == 2
    assert "manage.py" in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 3


def test_a_line_is_found_in_the_code_and_not_in_its_comments(project):
    folder = project("7")
    script = folder / "search" / "static" / "search" / "search.js"
    lines = script.read_text().splitlines()
    assert Code(folder).find("innerHTML", ".js") is None, "only a comment names it"
    wrong = next(n for n, line in enumerate(lines) if "data.answer" in line)
    lines[wrong] = lines[wrong].replace("textContent", "innerHTML")
    script.write_text("\n".join(lines))
    found = Code(folder).find("innerHTML", ".js")
    assert found == f"search/static/search/search.js:{wrong + 1}"


def test_a_file_with_a_syntax_error_is_named(project, check_here):
    folder = project("5")
    handlers = folder / "search" / "handlers.py"
    handlers.write_text(handlers.read_text().replace("def broadcast", "dfe broadcast"))
    report = check_here("5", folder)
    found = named(report)
    assert states(report)[0] == "broken"
    assert found["id"] == "does-not-start"
    assert re.fullmatch(r"search/handlers\.py:\d+", found["at"])
    assert found["stage"] == 5


def test_a_file_with_a_syntax_error_is_named_even_if_nothing_imports_it(
    project, check_here
):
    folder = project("5")
    apps = folder / "search" / "apps.py"
    apps.write_text(apps.read_text().partition("    def ready")[0])
    handlers = folder / "search" / "handlers.py"
    handlers.write_text(handlers.read_text().replace('"data": {', '"data":'))
    report = check_here("5", folder)
    found = named(report)
    assert states(report) == ["broken"] + ["not reached"] * 5
    assert (found["id"], found["stage"]) == ("does-not-start", 5)
    assert re.fullmatch(r"search/handlers\.py:\d+", found["at"])
    assert found["seen"].startswith("SyntaxError: ")
    # There is no hint about a missing handler, because the broken file may contain it.
    assert not [r["evidence"] for r in report["stages"] if r["evidence"]]


@pytest.mark.slow(15)
def test_a_file_that_hangs_when_it_is_imported_is_reported(
    project, check_here, monkeypatch
):
    for module in (start, stage_0_start):
        monkeypatch.setattr(module, "START", 4.0)
    folder = project("2")
    urls = folder / "config" / "urls.py"
    urls.write_text(f"import time\n\ntime.sleep(600)\n{urls.read_text()}")
    found = named(check_here("2", folder))
    assert found["id"] == "web-does-not-listen"
    assert found["seen"].startswith("nothing listens on its port after 4 s")


def test_unused_files_with_errors_and_an_empty_database_are_accepted(
    project, check_here
):
    folder = project("2")
    (folder / "notes.py").write_text("what I have learnt\n")
    (folder / "search" / "tests.py").write_text("to be written\n")
    (folder / "db.sqlite3").touch()  # a database without tables
    assert is_perfect(check_here("2", folder))


def test_the_catalogue_and_the_stages_name_the_same_mistakes():
    source = "\n".join(
        path.read_text() for path in (ROOT / "tutorial" / "check").rglob("*.py")
    )
    named = {name for name in mistakes() if f'"{name}"' in source}
    assert named == set(mistakes()) - {"old-code-runs"}
    raised = set(re.findall(r"Unmet\(\s*\"([\w-]+)\"", source))
    assert raised <= set(mistakes())


@pytest.mark.parametrize("mistake", mistakes().values(), ids=lambda m: m.id)
def test_the_texts_about_each_mistake_follow_the_rules_of_style(mistake):
    for text in (mistake.title, mistake.symptom, mistake.cause, mistake.fix):
        assert not re.search(r"\b(simply|just|easy|easily|obviously)\b", text, re.I)
    for text in (mistake.symptom, mistake.cause, mistake.fix):
        assert re.search(r"[.?][\")]?$", text), text
    assert 0 <= mistake.stage <= 7
