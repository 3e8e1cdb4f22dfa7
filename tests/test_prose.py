"""What the pages name in their prose is there: renaming it in a step fails here."""

import re
from pathlib import Path

import pytest

from tutorial import steps
from tutorial.check.mistakes import mistakes
from tutorial.environment import ROOT
from tutorial.stepdocs import fences

DOCS = ROOT / "docs"
STEP_PAGES = {f"docs/steps/{step.name}-{step.stage}.md": step for step in steps.steps()}
# Those about all steps.
OVERVIEWS = ("docs/flow.md", "docs/glossary.md", "docs/final.md")

# What a page may name that is in no step: commands, places, and other people's words.
ELSEWHERE = re.compile(
    r"python3 -m tutorial .*|simulate: .*|\.\./my-search|\.before-catch-up/|\.gitignore"
    r"|final/|check|run|wss?:|action|role=.*|<[^>]*>|CELERY_X|TemplateDoesNotExist at /"
    r"|OPENAI_API_KEY|OPENAI_BASE_URL|AuthenticationError|channels_redis\.core"
    r"|ASGI/Daphne|broadcasts to user_|Upgrade|Connection|appendonly yes"
    r"|AppConfig\.ready|user_(123|None)"
    r"|daphne --bind .*|python manage\.py \w+"
)


def named(page: str) -> set[str]:
    """What a page's prose and notes name as code, in a line of their own or not."""
    text = (ROOT / page).read_text()
    lines = text.split("\n")
    for fence in reversed(list(fences.scan(lines))):
        if fence.info != "step":
            del lines[fence.first : fence.last + 1]
    return set(re.findall(r"(?<!`)`([^`\n]+)`(?!`)", "\n".join(lines)))


def code_of(*found: steps.Step) -> str:
    """All that the files of these steps say, and their names."""
    texts = []
    for step in found:
        for name, path in steps.files(step.folder).items():
            texts += [name, path.read_text()]
    return "\n".join(texts)


def missing(page: str, code: str) -> list[str]:
    """What a page names that is neither in `code` nor elsewhere."""
    return [
        name
        for name in sorted(named(page))
        if name not in code
        and re.sub(r"^manage\.py ", "", name).strip(".()") not in code
        and not ELSEWHERE.fullmatch(name)
    ]


@pytest.mark.parametrize("the_page", STEP_PAGES)
def test_a_step_s_page_names_what_the_step_has(the_page):
    step = STEP_PAGES[the_page]
    # What a step removes, its page names, too.
    before = [s for s in steps.steps() if s.number == step.number - 1]
    assert not missing(the_page, code_of(*before, step))


@pytest.mark.parametrize("the_page", OVERVIEWS)
def test_an_overview_names_what_the_steps_have(the_page):
    assert not missing(the_page, code_of(*steps.every()))


def test_a_renamed_function_is_noticed():
    step = steps.find("5")
    code = code_of(step).replace("search_completed", "search_done")
    assert "search_completed" in missing("docs/flow.md", code)


@pytest.mark.parametrize("mistake", mistakes().values(), ids=lambda m: m.id)
def test_a_mistake_names_no_file_of_ours_that_is_gone(mistake):
    files = set().union(*(steps.files(step.folder) for step in steps.every()))
    names = {Path(file).name for file in files}
    told = f"{mistake.symptom} {mistake.cause} {mistake.mend}"
    for name in re.findall(r"`([\w/]+\.(?:py|html|js|css))`", told):
        assert Path(name).name in names, name
