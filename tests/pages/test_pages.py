"""Follow each page as a learner would: type code, run commands, and use a browser.

On the page of a step, the tests type only the lines that the listings show, in the
order of the page. At the end, the folder must be identical to the step. The commands of
a console block run when the tests reach the block, and must print what the page shows.
Comments on the page say what the learner does in the browser: see
tests/support/learner/page.py.
"""

import re

import pytest

from support.learner import Page, follow
from support.learner.page import COMMANDS
from tutorial.paths import ROOT
from tutorial.project import steps
from tutorial.site import console

DOCS = ROOT / "docs"
PAGES = [Page(path) for path in sorted(DOCS.rglob("*.md"))]
STEPS = {step.name for step in steps.steps()}


def name_of(page: Page) -> str:
    return page.path.relative_to(DOCS).as_posix()


def has_work(page: Page) -> bool:
    """Whether a page has code or commands to type."""
    return page.step in STEPS or "console" in page.fences()


@pytest.mark.parametrize(
    "the_page",
    [
        pytest.param(
            page,
            id=name_of(page),
            marks=[
                pytest.mark.xdist_group(f"page {name_of(page)}"),
                pytest.mark.slow(30),
                # `--quick` follows only the page of step 3, which shows the queue.
                *([pytest.mark.quick] if page.step == "3" else []),
            ],
        )
        for page in PAGES
        if has_work(page)
    ],
)
def test_a_page_can_be_followed(the_page, root, chromium, terminal, monkeypatch):
    # pytest-django sets this variable, but a learner's terminal does not have it.
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    follow(the_page, root, chromium)


@pytest.mark.parametrize("the_page", PAGES, ids=name_of)
def test_the_directives_and_console_blocks_of_a_page_are_valid(the_page):
    """The pages include those that no test follows."""
    for action in the_page.actions():
        if action.name == COMMANDS:
            console.read(action.argument)


# Commands outside of console blocks. Most of them cannot run in a test: they are for
# another machine, or would change this one.
ELSEWHERE = (
    r"git clone ADDRESS tutorial|cd tutorial",
    r"python3 --version",
    r"sudo apt (update|install( [a-z0-9-]+)+)|brew install( [a-z0-9-]+)+",
    r"wsl --install",
    r"docker run [-\w: ]+",
    r"echo DEBUG=1 > \.env",
    r"python3 -m tutorial test (final/tests|tests/steps/test_end_to_end\.py|-m fault)",
    r"python3 -m tutorial (bench( --json > docs/recorded/bench\.json)?)",
    r"pytest( e2e --base-url \S+ --browser chromium)?|playwright install chromium",
    r"export (OPENAI_API_KEY=sk-\.\.\.|OPENAI_MODEL=\S+|OPENAI_BASE_URL=\S+)",
    # tests/program/test_offline.py runs the commands in the next two lines.
    r"python3 -m tutorial (prepare|pack \.\./pack\.zip --for linux-x86_64,macos-arm64)",
    r"unzip pack\.zip|python3 -m tutorial run",
    r"ssh -N( -L (\d+):127\.0\.0\.1:\2){3} ada@machine",
    r"python3 -m tutorial (propagate \d|test|pictures)|requirements/compile",
)
# The two commands that begin a step. No test types them here, because the tests make
# the folder themselves.
START = re.compile(r"python3 -m tutorial new \.\./my-search (\d)(?: --catch-up)?")


OTHER_COMMANDS = [
    pytest.param(page, command, id=f"{name_of(page)}: {command}")
    for page in PAGES
    if name_of(page) != "deploy.md"  # tests/deploy/ runs the commands of that page
    for line in page.lines_of("sh")
    if (command := line.partition("  #")[0].strip())
]


@pytest.mark.parametrize(("the_page", "command"), OTHER_COMMANDS)
def test_only_known_commands_are_outside_of_console_blocks(the_page, command):
    """A command that a test can run belongs in a console block."""
    start = START.fullmatch(command)
    if start and the_page.step in STEPS:
        assert int(start[1]) == int(the_page.step) - 1
    else:
        assert any(re.fullmatch(known, command) for known in ELSEWHERE)


@pytest.mark.parametrize("the_page", PAGES, ids=name_of)
def test_no_other_kind_of_fence_contains_commands(the_page):
    """The other tests would not notice the commands in such a fence."""
    others = re.compile(
        r"(bash|shell|zsh|powershell|shell-session|console|sh)\b.+|bash"
    )
    assert not [info for info in the_page.fences() if others.fullmatch(info)]
