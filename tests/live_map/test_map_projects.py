"""The map works for other people's projects, with and without a mistake."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support import lab
from support.mapped import Mapped
from tutorial import observer
from tutorial.project.steps import Step
from tutorial.runtime.project import Project
from tutorial.runtime.waiting import pause_in, wait_until

QUESTION = "What is a broker?"

# For each patch of the lab: the station at which the search stops, and the mistake that
# the map names there.
MISTAKES = {
    "minimal/2-signature-only": (2, "task-not-called"),
    "minimal/3-app-not-loaded": (3, "celery-app-not-imported"),
    "studio/04-routed-elsewhere": (4, "other-queue"),
    "stream/05-queue-nobody-reads": (4, "other-queue"),
    "htmx/06-chat-completion-shape": (4, "wrong-response-field"),
    "stream/08-receivers-collected": (5, "handler-lost"),
    "suche/07-absender-als-text": (5, "sender-differs"),
    "suche/08-datum-im-ereignis": (5, "message-not-serializable"),
    "minimal/5-layer-in-memory": (5, "layer-in-memory"),
    "minimal/6-group-add-not-awaited": (6, "not-awaited"),
    "ticket/08-group-by-hex": (6, "group-names-differ"),
    "stream/09-text-data": (6, "frame-not-sent"),
}
# The plain test command runs the cases in SOME, and `-m lab` runs the others.
SOME = {
    "htmx",
    "stream/08-receivers-collected",
    "minimal/6-group-add-not-awaited",
}


def cases(names) -> list:
    """Return test parameters. A name that is not in SOME gets the marker `lab`."""
    return [
        pytest.param(name, marks=[] if name in SOME else [pytest.mark.lab])
        for name in names
    ]


@pytest.fixture
def watch(run_mapped, chromium, tmp_path) -> Callable[..., dict]:
    """Return a function that asks a question in a project, and returns the search.

    Its arguments are the folder of the project, a patch or None, and the names of
    states. The function waits until the search is in one of these states.
    """

    def ask(folder: Path, patch: Path | None, *states: str) -> dict:
        source = tmp_path / "source"
        lab.copy(folder, source, patch)
        person = lab.person_of(folder)

        def prepare(project: Project) -> None:
            # Replace a hard-coded Redis address with that of the test's own Redis.
            redis_url = project.environment["REDIS_URL"]
            project.environment |= observer.moving(tmp_path / "events", redis_url)
            project.environment.pop("DJANGO_SETTINGS_MODULE", None)
            project.migrate()
            if hasattr(person, "prepare"):
                person.prepare(lab.manage_of(project))

        running: Mapped = run_mapped(Step(str(source), 0, source), prepare=prepare)
        with lab.page_of(chromium) as page:
            person.ask(page, running.site.url, QUESTION, 1)

            def settled() -> dict | None:
                found = running.searches()
                is_over = found and found[-1]["state"] in states
                return found[-1] if is_over else None

            return wait_until(
                settled,
                seconds=20,
                otherwise=lambda: f"seen: {running.searches()}",
                pause=pause_in(page),
            )

    return ask


@pytest.mark.slow(8)
@pytest.mark.parametrize("name", cases(folder.name for folder in lab.projects()))
def test_a_search_arrives_in_a_healthy_project(watch, name):
    search = watch(lab.LAB / name, None, "arrived")
    assert search["question"] == QUESTION
    assert {hop["stage"] for hop in search["hops"]} >= {1, 2, 3, 4, 5, 6}


@pytest.mark.slow(8)
@pytest.mark.parametrize("name", cases(MISTAKES))
def test_the_map_shows_where_a_search_is_stuck_and_names_the_mistake(watch, name):
    folder, _, patch = name.partition("/")
    mistake = lab.LAB / folder / "mistakes" / f"{patch}.patch"
    search = watch(lab.LAB / folder, mistake, "stuck", "failed")
    halt = search["halt"]
    assert halt, search
    assert (halt["stage"], halt["mistake"]) == MISTAKES[name]
    assert halt["text"].strip()
    assert halt["fix"].strip()
    assert halt["page"].endswith(f"#{halt['mistake']}")
