"""Stage 0 · start: the project starts. The other stages come after that."""

from collections.abc import Iterator

from tutorial.check.scene import START, Scene, last_words
from tutorial.check.unmet import Unmet
from tutorial.runtime.waiting import wait_for


def look(scene: Scene) -> str:
    """Check that the web process runs and listens."""
    if "web" not in scene.project.running:
        raise Unmet(
            "no-web-process",
            f"the Procfile names {', '.join(scene.project.running) or 'no process'}",
            expected="a process with runserver, daphne or uvicorn",
            at="Procfile:1",
        )
    wait_for(lambda: scene.project.listens() or scene.has_ended("web"), START)
    if scene.has_ended("web"):
        raise Unmet(
            "does-not-start",
            f"the web process ended: {scene.last_words('web')}",
            expected="a web process that listens",
        )
    if not scene.project.listens():
        raise Unmet(
            "web-does-not-listen",
            f"nothing listens on its port after {START:g} s;"
            f" its last line: {last_words(scene.lines('web'))}",
            expected="a web process that listens on $PORT",
        )
    return "the settings are read, and web listens"


def findings(scene: Scene) -> Iterator[Unmet]:
    """Yield nothing: there are no findings from outside at this stage."""
    yield from ()
