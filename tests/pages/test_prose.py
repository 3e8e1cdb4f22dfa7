"""Check that the names and the statements in the pages match the steps."""

import re
from pathlib import Path

import pytest

from tutorial.capture import records
from tutorial.check.mistakes import mistakes
from tutorial.paths import ROOT
from tutorial.project import steps
from tutorial.project.files import files
from tutorial.site import fences

DOCS = ROOT / "docs"
STEP_PAGES = {f"docs/steps/{step.name}-{step.stage}.md": step for step in steps.steps()}
# The pages about all steps.
OVERVIEWS = ("docs/flow.md", "docs/glossary.md", "docs/final.md")

# Names that no step contains: commands, paths, messages, and names of other software.
ELSEWHERE = re.compile(
    r"python3 -m tutorial .*|simulate: .*|\.\./my-search|\.before-catch-up/|\.gitignore"
    r"|final/|check( 7)?|run|wss?:|action|role=.*|<[^>]*>|CELERY_X"
    r"|TemplateDoesNotExist at /"
    r"|OPENAI_API_KEY|OPENAI_BASE_URL|AuthenticationError|channels_redis\.core"
    r"|ASGI/Daphne|broadcasts to user_|Upgrade|Connection|appendonly yes"
    r"|AppConfig\.ready|user_(123|None)|AttributeError|database is locked|daphne\.E001"
    r"|daphne --bind .*|python manage\.py \w+"
)


def named(page: str) -> set[str]:
    """Return the names that a page marks as code, in its prose and its notes."""
    text = (ROOT / page).read_text()
    lines = text.split("\n")
    for fence in reversed(list(fences.scan(lines))):
        if fence.info != "step":
            del lines[fence.first : fence.last + 1]
    return set(re.findall(r"(?<!`)`([^`\n]+)`(?!`)", "\n".join(lines)))


def code_of(*found: steps.Step) -> str:
    """Return the names and the texts of all files of these steps, as one text."""
    texts = []
    for step in found:
        for name, path in files(step.folder).items():
            texts += [name, path.read_text()]
    return "\n".join(texts)


def missing(page: str, code: str) -> list[str]:
    """Return the names on a page that are neither in `code` nor in `ELSEWHERE`."""
    return [
        name
        for name in sorted(named(page))
        if name not in code
        and re.sub(r"^manage\.py ", "", name).strip(".()") not in code
        and not ELSEWHERE.fullmatch(name)
    ]


@pytest.mark.parametrize("the_page", STEP_PAGES)
def test_a_step_contains_the_names_on_its_page(the_page):
    step = STEP_PAGES[the_page]
    # A step's page also names what the step removes from the previous step.
    before = [s for s in steps.steps() if s.number == step.number - 1]
    assert not missing(the_page, code_of(*before, step))


@pytest.mark.parametrize("the_page", OVERVIEWS)
def test_the_steps_contain_the_names_on_an_overview_page(the_page):
    assert not missing(the_page, code_of(*steps.every()))


def test_a_renamed_function_is_noticed():
    step = steps.find("5")
    code = code_of(step).replace("search_completed", "search_done")
    assert "search_completed" in missing("docs/flow.md", code)


def test_each_file_that_the_catalogue_names_is_in_a_step():
    ours = {Path(name).name for step in steps.every() for name in files(step.folder)}
    named = {
        (mistake.id, Path(name).name)
        for mistake in mistakes().values()
        for name in re.findall(
            r"`([\w/]+\.(?:py|html|js|css))`",
            f"{mistake.symptom} {mistake.cause} {mistake.fix}",
        )
    }
    assert len(named) > 10
    assert not {(where, name) for where, name in named if name not in ours}


DAPHNE_FIRST = '    "daphne",\n    "django.contrib.auth",\n'

# In each row: a page, a statement of the page, the number of a step, and the code of
# this step that makes the statement true. If the statement or the code changes, check
# the other one.
WORDS = (
    ("steps/1-template.md", "The form has no `action`", "1", 'form" method="post">'),
    ("steps/1-template.md", 'it says "Connecting"', "1", ">Connecting<"),
    ("steps/2-view.md", "waits for three seconds", "2", "time.sleep(3)"),
    ("steps/2-view.md", "waited three seconds", "2", "time.sleep(3)"),
    ("steps/2-view.md", "three seconds after the button", "2", "time.sleep(3)"),
    ("steps/3-queue.md", "the first eight characters", "3", "queue · %.8s ·"),
    ("steps/2-view.md", "one line per message, with the time", "2", "{asctime} {"),
    ("steps/2-view.md", "with status 400", "2", "400 if form.is_bound"),
    ("steps/3-queue.md", "It takes three", "2", "time.sleep(3)"),
    ("steps/4-worker.md", "task only sleeps for three seconds", "3", "time.sleep(3)"),
    ("steps/4-worker.md", "each task in a thread", "4", "--pool threads"),
    ("steps/4-worker.md", "eight at a time", "4", "--concurrency 8"),
    ("steps/4-worker.md", "the newest first", "4", '["-created_at"]'),
    ("steps/4-worker.md", "In `WAL` mode", "4", "journal_mode=WAL"),
    ("steps/4-worker.md", "With `IMMEDIATE`", "4", ': "IMMEDIATE"'),
    ("steps/5-signal.md", "after it has saved the row", "5", "search_completed.send("),
    ("steps/6-consumer.md", "has to come before `staticfiles`", "6", DAPHNE_FIRST),
    (
        "steps/6-consumer.md",
        "that scripts of other sites open",
        "6",
        "AllowedHostsOrigin",
    ),
    ("steps/7-browser.md", "at the top of the list", "7", "results.prepend("),
    ("steps/7-browser.md", "the form keeps what you typed", "7", "form.reset()"),
    ("setup.md", "OPENAI_MODEL=gpt-5-mini", "7", '"gpt-5-mini")'),
    ("troubleshooting.md", "model='gpt-5-mini'", "7", '"gpt-5-mini")'),
    ("troubleshooting.md", "only after three seconds", "3", "time.sleep(3)"),
    ("troubleshooting.md", "within 30 seconds", "7", "timeout=30"),
    ("troubleshooting.md", "wait for half a minute", "7", "timeout=30"),
    ("instructors.md", "waits for the three seconds", "2", "time.sleep(3)"),
    ("glossary.md", "the name `celery`", "3", 'lrange("celery"'),
    ("../README.md", "hangs for three seconds", "2", "time.sleep(3)"),
)


def test_the_terminal_shows_as_many_lines_as_the_setup_page_says():
    said = " ".join((DOCS / "setup.md").read_text().split())
    assert "Five of the seven stages have printed a line in the terminal" in said
    assert "the lines of the other two are in the browser's console" in said
    logged = (records.RECORDED / records.recorded_name("final")).read_text()
    where = [line.split()[0] for line in logged.splitlines()]
    assert sorted(where) == ["browser"] * 2 + ["web"] * 3 + ["worker"] * 2


@pytest.mark.parametrize(
    ("where", "words", "step", "line"),
    WORDS,
    ids=[f"{Path(page).name}: {words}" for page, words, _, _ in WORDS],
)
def test_the_step_has_the_code_that_makes_a_statement_true(where, words, step, line):
    text = " ".join((DOCS / where).read_text().split())
    assert words in text, f"{where} no longer says this: change WORDS"
    told = f"{where} says “{words}”, and step {step} has no line with “{line}”"
    assert line in code_of(steps.find(step)), told
