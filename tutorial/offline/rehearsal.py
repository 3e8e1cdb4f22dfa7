"""`tutorial prepare`: tests each part that a class uses on a day without internet."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from tempfile import TemporaryDirectory

from playwright.sync_api import Error

from tutorial.paths import VENV
from tutorial.problem import Problem
from tutorial.project import steps
from tutorial.runtime.browser import find_browser, launch
from tutorial.runtime.services import PROXIES, find_redis, without_secrets
from tutorial.runtime.stack import Stack
from tutorial.runtime.terminal import Progress
from tutorial.runtime.waiting import pause_in, wait_for
from tutorial.site import build
from tutorial.visitor.site import Site
from tutorial.visitor.visitor import NoForm, Visitor

QUESTION = "What is a broker?"
ANSWER = "A broker is the place"
PATIENCE = 60  # seconds for an answer

WHAT_A_BROWSER_IS_FOR = (
    "Only `check 7` needs a browser, to open the page. Everything else works without a"
    " browser."
)


def rehearse() -> int:
    """Try each part, and print a line about it. Returns 0 if all parts work, else 1."""
    packages, megabytes = installed()
    print(f"Installed: {packages} packages, {megabytes} MB in {VENV.name}")
    progress = Progress()
    missing = []
    for name, trial in TRIALS.items():
        progress(f"Trying: {name}")
        line, works = _try(trial)
        progress("")
        _say(name, line)
        if not works:
            missing.append(name)
    for line in _notes():
        print(line)
    if missing:
        print(
            f"Not ready for a day without internet: see {' and '.join(missing)} above."
            " When everything is fixed, run `python3 -m tutorial prepare` again."
        )
        return 1
    print("Ready for a day without internet.")
    return 0


def installed() -> tuple[int, int]:
    """Return the number of packages in .venv, and its size in MB."""
    packages = list(VENV.glob("lib/python*/site-packages/*.dist-info"))
    files = (path for path in VENV.rglob("*") if path.is_file())
    return len(packages), round(sum(path.lstat().st_size for path in files) / 1e6)


def _try(trial: Callable[[], str]) -> tuple[str, bool]:
    """Return the result of the trial in words, and whether the part works."""
    try:
        return trial(), True
    except (Problem, TimeoutError, NoForm, Error) as error:
        return f"MISSING. {error}", False


def _say(name: str, text: str) -> None:
    first, *others = text.splitlines()
    print(f"  {name:<8} {first}")
    for line in others:
        print(f"  {'':<8} {line}")
    sys.stdout.flush()


def _try_redis() -> str:
    program = find_redis()
    is_ours = program.is_relative_to(VENV.resolve())
    return "in .venv" if is_ours else str(program)


@contextlib.contextmanager
def _app() -> Iterator[Stack]:
    """Run the finished app, with a Redis server, a worker and the stand-in."""
    with Stack(steps.find("final").folder, without=PROXIES) as stack:
        yield stack


def _try_search() -> str:
    started = time.monotonic()
    with _app() as stack:
        visitor = Visitor(Site(stack.project.url, "", ""))
        visitor.ask(QUESTION)
        if not wait_for(lambda: ANSWER in visitor.get().html, PATIENCE):
            last = "\n".join(f"{name}: {line}" for name, line in stack.log[-8:])
            raise Problem(f"The finished app has not answered a question.\n{last}")
    seconds = time.monotonic() - started
    return f"the finished app has answered a question, in {seconds:.1f} s"


def _try_browser() -> str:
    try:
        program = find_browser()
    except Problem as problem:
        raise Problem(f"{problem}\n{WHAT_A_BROWSER_IS_FOR}") from problem
    with _app() as stack, launch(program) as browser:
        page = browser.new_page()
        page.goto(stack.project.url)
        page.get_by_text("Live").wait_for()
        page.get_by_label("Your question").fill(QUESTION)
        page.get_by_role("button", name="Search").click()
        shown = page.get_by_text(ANSWER)
        if not wait_for(lambda: shown.count() > 0, PATIENCE, pause_in(page)):
            raise Problem(f"{program} has not shown an answer from the finished app.")
    return f"{program} has shown an answer"


def _try_site() -> str:
    with TemporaryDirectory(prefix="tutorial-site-") as folder:
        build.build_in(folder)
    return "`docs` can build the site"


TRIALS = {
    "Redis": _try_redis,
    "Search": _try_search,
    "Browser": _try_browser,
    "Site": _try_site,
}


def _notes() -> Iterator[str]:
    """Yield notes about environment variables that make `run` use other machines.

    On a day without internet, these machines may be unreachable.
    """
    if url := os.environ.get("REDIS_URL"):
        yield (
            "REDIS_URL is set: `run` will use the Redis server at"
            f" {without_secrets(url)}. To use the tutorial's own Redis: unset REDIS_URL"
        )
    if os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"):
        yield (
            "OPENAI_API_KEY or OPENAI_BASE_URL is set: `run` will call that API,"
            " not the offline stand-in. To use the stand-in: unset OPENAI_API_KEY"
            " OPENAI_BASE_URL"
        )
