"""The log of a search has one line per stage, in order and from the right process."""

import re
from datetime import UTC, datetime

import pytest

from tutorial.capture import recording
from tutorial.capture.records import RECORDED, recorded_name
from tutorial.project import steps
from tutorial.runtime.waiting import wait_until
from tutorial.visitor.visitor import Visitor

LINE = re.compile(r"stage (\d) · (\w+) · (\S+) · (.+)")
CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d),(\d\d\d)")

# The process that logs a stage. The browser's console logs stages 1 and 7.
PROCESS_OF_STAGE = {
    2: "web",
    3: "web",
    4: "worker",
    5: "worker",
    6: "web",
}


def seconds(line: str) -> float:
    """Return the time of day at which the line was written, in seconds."""
    hours, minutes, whole, milliseconds = map(int, CLOCK.search(line).groups())
    return hours * 3600 + minutes * 60 + whole + milliseconds / 1000


def told(log: list[tuple[str, str]]) -> list[tuple[int, str, str, str]]:
    """Return (stage, name, search id, process) of each stage's line, sorted by time."""
    lines = [(name, line) for name, line in list(log) if LINE.search(line)]
    # The lines of different processes may not arrive in the order of their times.
    lines.sort(key=lambda entry: seconds(entry[1]))
    story = []
    for process, line in lines:
        stage, name, search, _ = LINE.search(line).groups()
        story.append((int(stage), name, search, process))
    return story


def asked(log: list[tuple[str, str]]) -> str:
    """Return the id of the first search in the lines of stages 2 and 3, or "-"."""
    found = (LINE.search(line) for _, line in log)
    started = (match[3] for match in found if match and match[1] in "23")
    return next((search for search in started if search != "-"), "-")


def is_of(search: str, line: str) -> bool:
    """Whether a line is about this search, or about no search."""
    told = LINE.search(line)
    return not told or told[3] in (search, "-")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(step.name, marks=pytest.mark.xdist_group(f"step {step.name}"))
        for step in steps.every()
    ],
)
def test_each_stage_of_a_search_logs_one_line_in_order(name, run_step, chromium):
    running = run_step(name)
    last = min(running.step.number, 7)
    names = [step.stage for step in steps.steps()]
    page = chromium.new_page()
    heard = recording.listen(
        running.step, page, running.site.url, lambda: list(running.log)
    )
    start = heard.start

    def is_over() -> bool:
        """Whether the last event of a search in this step has happened."""
        since = list(running.log)[start:]
        lines = "\n".join(line for _, line in since)
        done = rf"\[{asked(since)}.*succeeded in"
        return {
            1: "405" in lines,
            2: "POST / " in lines,
            3: "POST / " in lines and bool(running.site.waiting_messages()),
        }.get(
            last,  # the worker's last line about a task
            re.search(done, lines) is not None,
        )

    wait_until(is_over, seconds=20, otherwise=lambda: str(running.log[start:]))

    since = running.log[start:]
    # The search of an earlier test may still be running. Leave out its lines.
    lines = [(name, line) for name, line in since if is_of(asked(since), line)]
    story = told(lines)
    assert [stage for stage, *_ in story] == list(range(2, min(last, 6) + 1))
    assert [name for _, name, *_ in story] == names[1 : min(last, 6)]
    searches = [search for *_, search, _ in story]
    assert len({*searches} - {"-"}) <= 1, "the stages log different ids"
    # The view of steps 2 to 7 writes its line before Celery gives the search an id.
    assert searches.count("-") == (name != "final" and last > 1)
    # Django sets the time zone of its process to that of the settings.
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for _, line in lines:
        if LINE.search(line):
            age = (now - midnight).total_seconds() - seconds(line)
            assert age % 86400 < 120, f"not in UTC: {line}"
    for stage, _, _, process in story:
        assert process == PROCESS_OF_STAGE[stage]

    console = [entry for entry in heard.lines if entry[0] == "browser"]
    said = [LINE.search(text).groups() for _, text in console if LINE.search(text)]
    assert [(stage, name) for stage, name, *_ in said] == (
        [("1", "template"), ("7", "browser")] if last == 7 else [("1", "template")]
    )
    if last == 7:
        assert said[1][2] == searches[-1], "the browser logs another id"

    # The pages of the site show this log of a search.
    shown = (RECORDED / recorded_name(name)).read_text()
    assert recording.without_clock(recording.normalise([*console, *lines])) == (
        recording.without_clock(shown)
    ), "run python3 -m tutorial pictures"


@pytest.mark.xdist_group("step 1")
def test_step_1_shows_that_no_server_accepts_the_socket(run_step, chromium):
    page = chromium.new_page()
    page.goto(run_step("1").site.url)
    page.get_by_text("Offline: nobody answers the socket").wait_for()


@pytest.mark.xdist_group("step 3")
def test_step_3_shows_the_waiting_message(run_step):
    running = run_step("3")
    Visitor(running.site).ask("Who takes this?")
    shown = running.project.manage("show_queue").stdout
    assert "search.tasks.fetch_openai_results_task" in shown
    assert "'query': 'Who takes this?'" in shown


@pytest.mark.xdist_group("step 5")
def test_step_5_shows_that_nobody_is_subscribed(run_step):
    shown = run_step("5").project.manage("show_groups").stdout
    assert shown.strip() == "groups with subscribers: 0"


@pytest.mark.xdist_group("step 6")
def test_step_6_shows_who_is_subscribed(run_step, chromium):
    running = run_step("6")
    page = chromium.new_page()
    page.goto(running.site.url)
    page.get_by_text("Live").wait_for()
    wait_until(
        lambda: re.search(r"user_\d+  1", running.project.manage("show_groups").stdout),
        seconds=5,
        otherwise="the group of the open page is not shown",
    )


@pytest.mark.slow(10)
def test_the_view_logs_its_line_even_if_the_broker_is_down(run_copy):
    broker = "CELERY_BROKER_URL = REDIS_URL"
    away = 'CELERY_BROKER_URL = "redis://127.0.0.1:1"'
    running = run_copy("3", "config/settings.py", broker, away)
    assert Visitor(running.site).ask("Who takes this?").status == 500
    lines = [line for _, line in running.log]
    [told_at] = [n for n, line in enumerate(lines) if "asks: Who takes this?" in line]
    wait_until(
        lambda: any("OperationalError" in line for _, line in running.log[told_at:]),
        seconds=5,
        otherwise=lambda: str(lines),
    )
    assert not any("stage 3" in line for _, line in running.log)
