"""Records what one search leaves in the log at each step, for the site's pages."""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tutorial import services, steps
from tutorial.browser import BROWSER_ARGUMENTS, find_browser
from tutorial.processes import Processes
from tutorial.project import Project
from tutorial.stepdocs.overview import RECORDED, recorded_name

QUESTION = "What is a broker?"
PATIENCE = 20  # seconds

STAGE = re.compile(r"stage (\d) · \w+ · (\S+) · .*")
CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d),(\d\d\d) ")

# What differs from search to search becomes this.
SEARCH_ID = "7d0c2f4a"
NOON = 12 * 3600


def record() -> None:
    """Write the log of one search at every step to `docs/recorded/`."""
    RECORDED.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=list(BROWSER_ARGUMENTS)
        )
        for step in steps.every():
            with tempfile.TemporaryDirectory() as folder:
                story = _record(step, Path(folder), browser.new_page())
            (RECORDED / recorded_name(step.name)).write_text(story)


def _record(step: steps.Step, folder: Path, page: Page) -> str:
    project = Project(folder / "project", services.free_port())
    steps.copy(step.folder, project.folder)
    log: list[tuple[str, str]] = []
    with Processes(lambda name, line: log.append((name, line))) as processes:
        _, url = services.start_redis(processes, folder, services.free_port())
        _, variables = services.start_stand_in(
            processes, services.free_port(), "--latency", "0.3", "--pace", "0.005"
        )
        project.environment |= variables | {"REDIS_URL": url}
        project.migrate()
        project.start(processes)
        project.wait_until_ready()
        try:
            return tell(step, page, project.url, lambda: list(log))
        finally:
            processes.stop(project.running.values())


def tell(
    step: steps.Step, page: Page, url: str, log: Callable[[], list[tuple[str, str]]]
) -> str:
    """Ask a question at `url`, and return what each process says of it, line by line.

    `log()` is what the processes have said so far. Raises TimeoutError where the last
    stage of the step is not reached.
    """
    last = min(step.number, len(steps.steps()))
    console: list[tuple[str, str]] = []
    page.on("console", lambda message: console.append(("browser", message.text)))
    page.goto(url)
    if last >= 6:
        page.get_by_text("Live").wait_for()
    start = len(log())
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Search").click()
    waited = 0
    while not _has_told(last, lines := [*console, *log()[start:]]):
        if waited > PATIENCE * 1000:
            raise TimeoutError(f"{step.title}: stage {last} is not reached: {lines}")
        # Playwright hears the browser only while it waits.
        page.wait_for_timeout(50)
        waited += 50
    page.close()
    return normalise(lines)


def _has_told(last: int, lines: list[tuple[str, str]]) -> bool:
    told = {int(match[1]) for _, line in lines if (match := STAGE.search(line))}
    return set(range(1, last + 1)) <= told


def normalise(lines: list[tuple[str, str]]) -> str:
    """The stages' lines as `tutorial run` shows them, in order, as of no special day.

    The first of them is written at noon, by the user 1, about the search 7d0c2f4a.
    """
    told = [(name, line) for name, line in lines if STAGE.search(line)]
    searches = [match[2] for _, line in told if (match := STAGE.search(line))]
    own = next((search for search in searches if search != "-"), "-")
    told = [one for one in told if STAGE.search(one[1])[2] in ("-", own)]
    # Lines of different processes may arrive in another order than they were written;
    # the browser's have no clock, and are the first and the last.
    clocks = [clock for _, line in told if (clock := _seconds(line)) is not None]
    first = min(clocks, default=0)
    told.sort(key=lambda one: _order(*one))
    rows = []
    for name, line in told:
        text = STAGE.search(line).group()
        if own != "-":
            text = text.replace(own, SEARCH_ID)
        text = re.sub(r"\buser_\d+", "user_1", text)
        clock = _seconds(line)
        when = f"{_clock(NOON + clock - first)} " if clock is not None else ""
        rows.append(f"{name:<8}| {when}{text}")
    return "\n".join(rows) + "\n"


def without_clock(story: str) -> str:
    """What of a story is the same each time."""
    return CLOCK.sub("", story)


def _order(name: str, line: str) -> tuple[bool, float]:
    clock = _seconds(line)
    return STAGE.search(line)[1] == "7", -1 if clock is None else clock


def _seconds(line: str) -> float | None:
    """The time of day at which a line was written; None where it does not say."""
    found = CLOCK.search(line)
    if not found:
        return None
    hours, minutes, seconds, milliseconds = map(int, found.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return "{:02}:{:02}:{:02},{:03}".format(*divmod(minutes, 60), *divmod(rest, 1000))
