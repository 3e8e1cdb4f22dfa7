"""The page "When nothing happens": the catalogue, and what else the page promises."""

import contextlib
import http.server
import os
import re
import runpy
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import openai
import pytest
import yaml
from django.core.servers import basehttp
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect

from support.checking import run_check
from tutorial.capture import records
from tutorial.check.mistakes import mistakes
from tutorial.check.report import FAILED, Diagnosis, Result, line_of
from tutorial.check.unmet import Unmet
from tutorial.commands import run
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project import steps
from tutorial.project.files import copy_project
from tutorial.runtime import browser, environment, services
from tutorial.runtime.exclusive import free_port
from tutorial.runtime.processes import Processes
from tutorial.runtime.project import Project, state_folder
from tutorial.site import console, fences
from tutorial.site.extension import Page
from tutorial.site.mistakes import as_markdown
from tutorial.standin import STAND_IN_KEY

PAGE = ROOT / "docs" / "troubleshooting.md"
SEARCH = ROOT / "steps" / "07_browser" / "search"

on_site = pytest.mark.xdist_group("site")


def bodies(kind: str) -> list[str]:
    """What the fences of this kind on the page hold."""
    found: list[str] = []

    def collect(_: str, body: str) -> list[str]:
        found.append(body)
        return []

    fences.expand(PAGE.read_text(), (kind,), collect)
    return found


def own_entries() -> dict[str, dict[str, str]]:
    """The mistakes that the page tells itself, by id."""
    read = [yaml.safe_load(body) for body in bodies("mistake")]
    return {one["id"]: one for one in read}


def fits(pattern: str, text: str) -> bool:
    """Whether the text is as a page has it: "…" stands for what it leaves out."""
    parts = re.split(r"^…$", pattern, flags=re.M)
    whole = r"(?:.*\n)*?".join(
        "[^\n]*".join(map(re.escape, part.removeprefix("\n").split("…")))
        for part in parts
    )
    return re.fullmatch(whole.rstrip("\n") + r"\n?", text) is not None


def in_words(markdown: str) -> str:
    """A text of the catalogue as a reader sees it."""
    return " ".join(markdown.replace("`", "").split())


# The fences


def expand(body: str, kind: str = "mistakes", page: str = "steps/5-signal.md") -> str:
    return Page(page).expand(f"```{kind}\n{body}\n```\n")


def test_a_step_shows_a_few_and_links_to_the_whole():
    text = expand("only: [no-worker, csrf-token-missing]")
    assert text.count("\n- **") == 2
    assert "(../troubleshooting.md#no-worker)" in text
    assert "`{% csrf_token %}`" in text
    at_the_top = expand("only: no-worker", page="flow.md")
    assert "(troubleshooting.md#no-worker)" in at_the_top


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("mistakes", "only: [no-such-id]", 'the catalogue has no mistake "no-such-id"'),
        ("mistakes", "stage: 9", "no mistake of the stage 9"),
        ("mistakes", "", 'either "stage: 5" or'),
        ("mistakes", "stage: 5\nonly: [no-worker]", 'either "stage: 5" or'),
        ("mistakes", "names: [no-worker]", 'has no field "names"'),
        ("mistake", "id: a\ntitle: A\nsymptom: B\ncause: C", 'needs the text "mend"'),
        ("mistake", "id: A b\ntitle: A\nsymptom: B\ncause: C\nmend: D", '"A b" cannot'),
        (
            "mistake",
            "id: no-worker\ntitle: A\nsymptom: B\ncause: C\nmend: D",
            'has a mistake "no-worker" already',
        ),
    ],
)
def test_a_mistake_in_a_fence_is_told_with_the_name_of_the_page(kind, body, words):
    with pytest.raises(Problem, match=r"^steps/5-signal\.md: ") as raised:
        expand(body, kind)
    assert words in str(raised.value)


def test_what_markdown_would_understand_is_escaped_and_code_is_not():
    text = "*a* _b_ {c} <d> [e](f) 1. & `<g> _h_ {% i %}`"
    assert as_markdown(text) == (
        r"\*a\* \_b\_ \{c\} &lt;d&gt; \[e\]\(f\) 1\. &amp; `<g> _h_ {% i %}`"
    )


# The page as it is built


@pytest.fixture
def page(address, chromium) -> BrowserPage:
    """The page in a browser."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address + "troubleshooting/", wait_until="networkidle")
    return page


def entries_of(page: BrowserPage) -> dict[str, str]:
    """The text of each entry, by its anchor."""
    found = page.locator("article.mistake").evaluate_all(
        "all => all.map(one => [one.querySelector('h3').id, one.textContent])"
    )
    assert len(found) == len(dict(found)), "an anchor is there twice"
    return {anchor: " ".join(text.split()) for anchor, text in found}


@on_site
def test_it_has_every_mistake_under_its_anchor(page):
    entries = entries_of(page)
    assert set(entries) == {*mistakes(), *own_entries()}
    wrong = [
        (mistake.id, text, entries[mistake.id])
        for mistake in mistakes().values()
        for text in (mistake.title, mistake.symptom, mistake.cause, mistake.mend)
        if in_words(text) not in entries[mistake.id]
    ]
    assert not wrong


@on_site
def test_its_table_of_contents_has_the_stages_and_no_entries(page):
    links = page.locator(".md-sidebar--secondary .md-nav__list a").all_inner_texts()
    stages = [f"Stage {step.number}: the {step.stage}" for step in steps.steps()]
    assert [text.strip() for text in links if text.strip().startswith("Stage")] == (
        stages
    )
    assert len(links) < 20


@on_site
def test_the_report_of_check_leads_to_it(page, address):
    served = page.url.replace(address, "http://127.0.0.1:8001/")
    entries = entries_of(page)
    for mistake in mistakes():
        diagnosis = Diagnosis.of(Unmet(mistake, "something"))
        file, _, anchor = diagnosis.page.partition("#")
        assert ROOT / file == PAGE
        assert anchor in entries
        result = Result(1, "template", FAILED, diagnosis=diagnosis)
        told = line_of(result, lambda style, text: text).rstrip().splitlines()
        words = " ".join(" ".join(told).split())
        assert words.endswith(
            f"read {served}#{mistake} (shown by: python3 -m tutorial docs)"
        )
        assert all(len(line) <= 88 for line in told[-2:])


@on_site
def test_an_anchor_opened_directly_shows_its_entry(address, chromium):
    page = chromium.new_page(viewport={"width": 360, "height": 740})
    page.goto(address + "troubleshooting/#wrong-key", wait_until="networkidle")
    entry = page.locator("article:has(> #wrong-key)")
    expect(entry).to_be_in_viewport()
    expect(entry.locator(".mistake__answer")).to_be_in_viewport()


@on_site
def test_the_search_of_the_site_finds_an_entry(page):
    page.get_by_role("textbox", name="Search", exact=True).click()
    page.keyboard.type("Celery is still eager")
    result = page.locator(".md-search-result__link").first
    expect(result).to_be_visible(timeout=10_000)
    page.locator(".md-search-result__link[href*='#eager-left-on']").first.click()
    expect(page.locator("article:has(> #eager-left-on)")).to_be_in_viewport()


# The filter


def shown(page: BrowserPage) -> list[str]:
    """The anchors of the entries that can be seen, from top to bottom."""
    return page.locator("article.mistake:visible > h3").evaluate_all(
        "all => all.map(one => one.id)"
    )


def asked(page: BrowserPage, text: str) -> str:
    """Type `text` as a person with a keyboard does: what the page then says."""
    field = page.get_by_label("Type what you see")
    field.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.type(text)
    return page.locator(".symptoms").get_by_role("status").inner_text()


@on_site
def test_the_filter_shows_what_fits(page):
    everything = set(entries_of(page))
    status = page.locator(".symptoms").get_by_role("status")
    expect(status).to_have_text(f"{len(everything)} entries")

    said = asked(page, "405 method NOT allow")
    assert shown(page) == ["no-view-takes-post"]
    assert said == f"1 of {len(everything)} entries has all of these words."
    # What has no entry left is away, with all that belongs to it.
    expect(page.locator("#stage-2")).to_be_visible()
    expect(page.locator("#stage-3")).to_be_hidden()
    expect(page.get_by_role("cell", name="no such line")).to_be_hidden()
    expect(page.get_by_text("See what waits in Redis")).to_be_hidden()
    # What stands above stays.
    expect(page.locator("#log")).to_be_visible()

    said = asked(page, "never appears")
    assert "handler-not-imported" in shown(page)
    assert said.startswith(f"{len(shown(page))} of {len(everything)} ")

    asked(page, "")
    assert set(shown(page)) == everything
    expect(page.get_by_text("See what waits in Redis")).to_be_visible()


@on_site
@pytest.mark.parametrize(
    ("message", "anchor"),
    [
        (
            "django.db.utils.OperationalError: no such table: search_searchresult",
            "migration-not-applied",
        ),
        ("ValueError: No route found for path 'ws/find/'.", "route-mismatch"),
        (
            "AttributeError: 'function' object has no attribute 'delay'",
            "no-task-decorator",
        ),
        (
            "Port 8123 cannot be had: another program has taken it, or you may not"
            " use it. Choose another port: --port 40123",
            "port-taken",
        ),
    ],
)
def test_a_message_can_be_pasted(page, message, anchor):
    asked(page, message)
    found = shown(page)
    assert anchor in found
    assert len(found) < 6


# What Python and Django say most often, and the entries that stand first then.
LEADS = {
    "SyntaxError: invalid syntax": ["does-not-start"],
    "SyntaxError: '(' was never closed": ["does-not-start"],
    "SyntaxError: unterminated string literal (detected at line 12)": [
        "does-not-start"
    ],
    "Uncaught SyntaxError: Expected property name or '}' in JSON": ["frame-not-json"],
    "IndentationError: expected an indented block after 'if' statement on line 20": [
        "does-not-start"
    ],
    "TabError: inconsistent use of tabs and spaces in indentation": ["does-not-start"],
    "ImportError: cannot import name 'SearchForm' from 'search.forms'"
    " (/home/me/my-search/search/forms.py)": ["does-not-start"],
    "ModuleNotFoundError: No module named 'search.form'": [
        *("does-not-start", "package-missing")
    ],
    "NameError: name 'Path' is not defined": [
        *("does-not-start", "view-raises", "task-raises")
    ],
    "AttributeError: module 'search.views' has no attribute 'openai_index'": [
        "does-not-start"
    ],
    "TemplateSyntaxError at /": ["page-raises"],
    "NoReverseMatch at /": ["page-raises"],
    "NameError at /": ["view-raises"],
    # No entry names this one. That a page says it is what is left.
    "FieldError at /": ["page-raises", "view-raises"],
    "Unknown command: show_queue": ["unknown-command"],
    "Unknown command: 'show_queu'. Did you mean show_queue?": ["unknown-command"],
}


@on_site
@pytest.mark.parametrize("message", LEADS)
def test_a_common_message_leads_to_its_entry_first(page, message):
    asked(page, message)
    found = shown(page)
    assert found[: len(LEADS[message])] == LEADS[message]
    assert len(found) <= 3


@on_site
def test_a_slash_is_no_word(page):
    assert asked(page, "/") == f"{len(entries_of(page))} entries"


@on_site
def test_a_word_that_nobody_knows_is_told(page):
    assert asked(page, "zyxwv").startswith("None of ")
    assert not shown(page)


@on_site
def test_a_link_to_what_is_filtered_away_brings_it_back(page):
    asked(page, "405")
    page.locator(".md-sidebar--secondary a[href='#stage-6']").click()
    expect(page.locator("#stage-6")).to_be_in_viewport()
    assert page.get_by_label("Type what you see").input_value() == ""

    asked(page, "405")
    page.evaluate("location.hash = '#no-worker'")
    expect(page.locator("article:has(> #no-worker)")).to_be_in_viewport()


@on_site
def test_without_a_script_everything_is_shown(address, chromium):
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(address + "troubleshooting/")
    expect(page.locator("article.mistake:visible")).to_have_count(
        len(mistakes()) + len(own_entries())
    )
    expect(page.locator(".symptoms")).to_be_hidden()


# What the page says of the log and of `check`


def test_the_table_has_each_line_of_the_log():
    recorded = (records.RECORDED / records.recorded_name("7")).read_text()
    logged = re.findall(r"stage \d · \w+(?= ·)", recorded)
    rows = re.findall(r"^\| `(stage [^`]+)` \| (.+) \|$", PAGE.read_text(), re.M)
    assert [line for line, _ in rows] == logged
    for (_, words), following in zip(rows, steps.steps()[1:], strict=False):
        assert f"(#stage-{following.number})" in words
        # What a step leaves last is no sign of a mistake there.
        number = following.number - 1
        assert words.startswith(f"At step {number}, nothing")
        assert f". From step {following.number} on, **" in words
    for step in steps.steps():
        own = (records.RECORDED / records.recorded_name(step.name)).read_text()
        assert re.findall(r"stage \d · \w+(?= ·)", own) == logged[: step.number]


def test_an_eager_project_does_by_hand_what_the_page_says(tmp_path):
    """What would go into the queue is done at once, with no Redis at all."""
    folder = tmp_path / "my-search"
    copy_project(steps.find("4").folder, folder)
    with (folder / "config" / "settings.py").open("a") as settings:
        settings.write("\nCELERY_TASK_ALWAYS_EAGER = True\n")
    project = Project(folder, 8000)
    project.migrate()
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
    assert "If this terminal does the worker's work itself (" in " ".join(
        PAGE.read_text().split()
    )


def test_check_says_what_the_page_and_the_readme_show(tmp_path):
    folder = tmp_path / "my-search"
    copy_project(steps.find("5").folder, folder)
    patch = ROOT / "tests" / "faults" / "handler_not_imported.patch"
    subprocess.run(["git", "apply", str(patch)], cwd=folder, check=True)
    printed = run_check("5", str(folder)).stdout

    block = next(body for body in bodies("console") if " check 5 " in body)
    expected = "\n".join(console.read(block).exchanges[0].output)
    assert fits(expected, printed), f"{PAGE.name} says:\n{expected}\n\n{printed}"

    readme = (ROOT / "README.md").read_text()
    example = re.search(r"\n\n((?: {4}.*\n)*? {4}FAILED .*\n(?: {4}.*\n|\n)+)", readme)
    lines = "\n".join(line[4:] for line in example[1].rstrip().splitlines())
    passed, failed = lines.split("\n", 1)
    assert fits(f"…\n{failed}\n…", printed), f"README.md says:\n{failed}\n\n{printed}"
    assert passed.removesuffix("…") in printed


# By hand


def test_what_no_console_block_types_works_too(run_copy, chromium):
    """The page's other commands are followed by tests/test_pages.py."""
    running = run_copy("7")
    page = chromium.new_page()
    page.goto(running.site.url)
    page.get_by_text("Live").wait_for()

    # Where the processes are started without `run`.
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


# What the program says


def raised(function, *arguments) -> str:
    """The problem that the function tells."""
    with pytest.raises(Problem) as problem:
        function(*arguments)
    return str(problem.value)


def nothing(*arguments, **options) -> None:
    """Find nothing."""


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
    monkeypatch.setattr(environment, "VENV", tmp_path / "venv")
    monkeypatch.setattr(environment.shutil, "which", nothing)
    monkeypatch.setattr(environment, "_show", lambda *_: (1, "ensurepip is missing"))
    return raised(environment._make_venv)


def no_package_index(tmp_path, monkeypatch) -> str:
    said = "Failed to establish a new connection: NewConnectionError"
    monkeypatch.setattr(environment, "VENV", tmp_path / "venv")
    monkeypatch.setattr(environment.shutil, "which", nothing)
    monkeypatch.setattr(environment, "_show", lambda *_: (1, said))
    return raised(environment._install, "run")


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
        said = raised(lambda: run._check_port(port, is_fixed=False))
    return said.replace(str(port), "8000")


def runs_already(tmp_path, monkeypatch) -> str:
    def again() -> None:
        with run.alone(tmp_path, "../my-search"):
            raise AssertionError("it was let in")

    monkeypatch.setattr(run, "state_folder", lambda folder: tmp_path / "state")
    with run.alone(tmp_path, "../my-search"):
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
    monkeypatch.setattr(run.Log, "say", lambda self, text: said.append(text))
    monkeypatch.setattr(Project, "wait_until_ready", wait)
    run._wait_until_ready(Project(tmp_path, 8000), run.Log(), 0.0)
    return "\n".join(said)


# Serves until the first one connects, who asks whether it is ready.
SHORT_LIVED = """
import os, socket, sys
if "migrate" not in sys.argv:
    socket.create_server(("127.0.0.1", int(os.environ["PORT"]))).accept()
    sys.exit(3)
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


def browser_missing(tmp_path, monkeypatch) -> str:
    for way in ("present_browser", "_download", "_install"):
        monkeypatch.setattr(browser, way, nothing)
    return raised(browser.find_browser)


def https_to_http(tmp_path, monkeypatch) -> str:
    said: list[str] = []
    monkeypatch.setattr(
        basehttp.logger, "error", lambda text, **_: said.append(text), raising=True
    )
    where = ("127.0.0.1", 0)
    with basehttp.WSGIServer(where, basehttp.WSGIRequestHandler) as server:
        # How a browser begins with HTTPS.
        with socket.create_connection(server.server_address) as client:
            client.sendall(b"\x16\x03\x01\x02\x00\r\n\r\n")
        server.handle_request()
    return "\n".join(said)


SAYS = {
    **{"wrong-folder": wrong_folder, "old-python": old_python, "windows": windows},
    **{"no-venv": no_venv, "no-package-index": no_package_index},
    **{"no-redis": no_redis, "redis-url": redis_url, "port-taken": port_taken},
    **{"runs-already": runs_already, "no-such-project": no_such_project},
    **{"migrate-fails": migrate_fails, "not-ready": not_ready},
    **{"process-ended": process_ended, "browser-missing": browser_missing},
    **{"https-to-http": https_to_http, "unknown-command": unknown_command},
}


@pytest.mark.parametrize("name", SAYS)
def test_the_program_says_what_the_page_quotes(name, tmp_path, monkeypatch):
    said = " ".join(SAYS[name](tmp_path, monkeypatch).split())
    quoted = re.findall(r"`([^`]+)`", own_entries()[name]["symptom"])
    assert quoted
    for words in quoted:
        assert re.search(re.escape(words).replace("…", ".*"), said), said


def test_nothing_is_quoted_that_no_machine_has_said():
    unseen = {
        name
        for name, entry in own_entries().items()
        if "`" in entry["symptom"] and name not in {*SAYS, *KINDS}
    }
    assert unseen == {"empty-answer"}  # which has a test of its own


# What the API says

# The kind of error that an entry is about.
KINDS = {
    name: kind[1]
    for name, entry in own_entries().items()
    if (kind := re.search(r"The API gave no answer \((\w+)\)", entry["symptom"]))
}


@pytest.fixture(scope="module")
def stand_in():
    """The address of a stand-in that does not take its time."""
    with Processes(lambda name, line: None) as processes:
        options = ("--latency", "0", "--pace", "0")
        _, variables = services.start_stand_in(processes, *options)
        yield variables["OPENAI_BASE_URL"]


def ask(url: str, question: str) -> str:
    """What the step's call of the API gets from `url`; it waits for a second."""
    client = openai.OpenAI(base_url=url, api_key=STAND_IN_KEY, timeout=1, max_retries=0)
    return client.responses.create(model="any", input=question).output_text


def test_every_kind_of_error_is_on_the_page():
    assert set(KINDS.values()) == {
        *("OpenAIError", "AuthenticationError", "PermissionDeniedError"),
        *("NotFoundError", "RateLimitError", "InternalServerError"),
        *("APIConnectionError", "APITimeoutError"),
    }
    tasks = (SEARCH / "tasks.py").read_text()
    assert 'f"The API gave no answer ({type(problem).__name__})."' in tasks
    assert '"The API gave an empty answer."' in tasks
    assert "OpenAI(timeout=30," in tasks


@pytest.mark.parametrize("name", KINDS)
def test_the_stand_in_makes_the_error_that_the_page_names(name, stand_in):
    questions = re.findall(r"`(simulate: [^`]+)`", own_entries()[name]["mend"])
    for question in questions:
        with pytest.raises(openai.OpenAIError) as error:
            ask(stand_in, question)
        assert type(error.value).__name__ == KINDS[name]


def test_a_refusal_is_an_empty_answer(stand_in):
    entry = own_entries()["empty-answer"]
    assert "`The API gave an empty answer.`" in entry["symptom"]
    (question,) = re.findall(r"`(simulate: [^`]+)`", entry["mend"])
    assert ask(stand_in, question) == ""


@pytest.mark.parametrize("name", KINDS)
def test_a_status_is_the_kind_of_error_that_the_page_names(name):
    cause = own_entries()[name]["cause"]
    for status in re.findall(r"\b[1-5]\d\d\b", cause):
        with pytest.raises(openai.OpenAIError) as error, answers(int(status)) as url:
            ask(url, "What?")
        assert type(error.value).__name__ == KINDS[name]


@contextlib.contextmanager
def answers(status: int) -> Iterator[str]:
    """The address of an API that answers with this status, whatever it is asked."""

    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_without_a_key_and_without_a_listener(monkeypatch):
    with pytest.raises(openai.OpenAIError) as error:
        openai.OpenAI()
    assert type(error.value).__name__ == KINDS["openai-error"]
    assert mistakes()["api-key-missing"].symptom.startswith(
        f"`OpenAIError: {str(error.value).split('.')[0]}`"
    )
    with pytest.raises(openai.OpenAIError) as error:
        ask(f"http://127.0.0.1:{free_port()}/v1", "What?")
    assert type(error.value).__name__ == KINDS["api-connection-error"]


# Its language


def test_its_own_entries_are_plainly_written():
    for entry in own_entries().values():
        text = re.sub(r"`[^`]+`", "", " ".join(entry.values()))
        assert not re.findall(r"\b(simply|just|easy|easily|obviously)\b", text, re.I)
        assert "!" not in text
        for part in (entry["cause"], entry["mend"]):
            assert part.strip().endswith((".", ".)")), entry["id"]
