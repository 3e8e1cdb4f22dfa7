"""Records, for a step, what one search leaves in the log and in the browser."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import Page, WebSocket

from tutorial.capture.records import RECORDED, frame_name, recorded_name
from tutorial.capture.screenshots import QUESTION
from tutorial.project import steps

PATIENCE = 20  # seconds until a search must have reached the step's last stage
LOST = 5  # seconds after which a missing frame is considered lost
STAGE_OF_FRAMES = 6  # the stage that sends frames to the browser

STAGE = re.compile(r"stage (\d) · \w+ · (\S+) · .*")
CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d),(\d\d\d) ")

# These values replace the ones that differ from search to search.
SEARCH_ID = "7d0c2f4a"
TASK_ID = f"{SEARCH_ID}-9b1e-4c53-8f60-2d3a5c7e9b14"
NOON = 12 * 3600


@dataclass
class Heard:
    """The log lines and frames of one search."""

    start: int = 0  # how many lines the log had before the question
    lines: list[tuple[str, str]] = field(default_factory=list)  # (process, line)
    frames: list[str] = field(default_factory=list)  # received by the browser

    def frame(self) -> str:
        """Return the only frame, indented, and with TASK_ID as its task_id.

        Raises ValueError if there is not exactly one frame, or if the frame has no
        task_id.
        """
        (text,) = self.frames
        data = json.loads(text)
        if "task_id" not in data:
            raise ValueError(f"a frame without a task_id: {text}")
        return json.dumps(data | {"task_id": TASK_ID}, indent=2) + "\n"


def record(step: steps.Step, page: Page, url: str, log: list[tuple[str, str]]) -> None:
    """Do one search at a running step, and write its log and frame to `docs/recorded/`.

    While the step runs, its lines are appended to the list `log`. The file with the log
    is not rewritten if only the times of day have changed.
    """
    RECORDED.mkdir(exist_ok=True)
    heard = listen(step, page, url, lambda: list(log))
    path = RECORDED / recorded_name(step.name)
    story = normalise(heard.lines)
    known = path.read_text() if path.exists() else ""
    if without_clock(known) != without_clock(story):
        path.write_text(story)
    # Skip the finished app: it sends many frames, which differ each time.
    if heard.frames and step.number <= len(steps.steps()):
        (RECORDED / frame_name(step.name)).write_text(heard.frame())


def listen(
    step: steps.Step, page: Page, url: str, log: Callable[[], list[tuple[str, str]]]
) -> Heard:
    """Ask a question at `url`, and return the log lines and frames of the search.

    If the answer was ready before the page's socket was open, asks the question again.
    `log()` returns all lines that the processes have written so far. Raises
    TimeoutError if the search does not reach the last stage of the step.
    """
    last = min(step.number, len(steps.steps()))
    console: list[tuple[str, str]] = []
    heard = Heard()
    page.on("console", lambda message: console.append(("browser", message.text)))
    page.on("websocket", lambda socket: _hear(socket, heard.frames))
    page.goto(url)
    if last >= STAGE_OF_FRAMES:
        page.get_by_text("Live").wait_for()

    def ask() -> None:
        console.clear()
        heard.start = len(log())
        page.get_by_label("Your question").fill(QUESTION)
        page.get_by_role("button", name="Search").click()

    def is_over() -> bool:
        heard.lines = [*console, *log()[heard.start :]]
        has_frame = bool(heard.frames) or last < STAGE_OF_FRAMES
        return has_frame and _has_logged(last, heard.lines)

    ask()
    waited = 0
    while not is_over():
        if waited > PATIENCE * 1000:
            raise TimeoutError(
                f"{step.title}: stage {last} is not reached: {heard.lines}"
            )
        # In step 6, the form loads the page again. If the answer is ready before the
        # socket of the new page is open, no page receives the frame.
        is_lost = _has_logged(STAGE_OF_FRAMES - 1, heard.lines) and not heard.frames
        is_time = waited > 0 and waited % (LOST * 1000) == 0
        if last >= STAGE_OF_FRAMES and is_lost and is_time:
            page.get_by_text("Live").wait_for()
            ask()
        # Playwright receives the events of the browser only while it waits.
        page.wait_for_timeout(50)
        waited += 50
    page.close()
    return heard


def _hear(socket: WebSocket, frames: list[str]) -> None:
    socket.on("framereceived", lambda frame: frames.append(frame))


def _has_logged(last: int, lines: list[tuple[str, str]]) -> bool:
    logged = {int(match[1]) for _, line in lines if (match := STAGE.search(line))}
    return set(range(1, last + 1)) <= logged


def normalise(lines: list[tuple[str, str]]) -> str:
    """Return the lines of the stages as `tutorial run` shows them, in order.

    Values that differ from search to search are replaced: the first time is noon, the
    user's id is 1, and the search's id is 7d0c2f4a.
    """
    stages = [(name, line) for name, line in lines if STAGE.search(line)]
    searches = [match[2] for _, line in stages if (match := STAGE.search(line))]
    own = next((search for search in searches if search != "-"), "-")
    stages = [one for one in stages if STAGE.search(one[1])[2] in ("-", own)]
    # Lines of different processes may not arrive in the order in which they were
    # written, so sort them by their times. The browser's lines have no time. Those
    # of stage 7 come last, and the others first.
    clocks = [clock for _, line in stages if (clock := _seconds(line)) is not None]
    first = min(clocks, default=0)
    stages.sort(key=lambda one: _order(*one))
    rows = []
    for name, line in stages:
        text = STAGE.search(line).group()
        if own != "-":
            text = text.replace(own, SEARCH_ID)
        text = re.sub(r"\buser_\d+", "user_1", text)
        clock = _seconds(line)
        when = f"{_clock(NOON + clock - first)} " if clock is not None else ""
        rows.append(f"{name:<8}| {when}{text}")
    return "\n".join(rows) + "\n"


def without_clock(story: str) -> str:
    """Return the log `story` without its times of day."""
    return CLOCK.sub("", story)


def _order(name: str, line: str) -> tuple[bool, float]:
    clock = _seconds(line)
    return STAGE.search(line)[1] == "7", -1 if clock is None else clock


def _seconds(line: str) -> float | None:
    """Return the time of day in a line, in seconds; None if the line has no time."""
    found = CLOCK.search(line)
    if not found:
        return None
    hours, minutes, seconds, milliseconds = map(int, found.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return "{:02}:{:02}:{:02},{:03}".format(*divmod(minutes, 60), *divmod(rest, 1000))
