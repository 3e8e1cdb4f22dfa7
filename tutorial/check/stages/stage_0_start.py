"""Before the stages: does the project start at all?"""

import re
import sys

from tutorial.check.code import Code
from tutorial.check.scene import START, Scene, last_words
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event
from tutorial.runtime.waiting import wait_for

# Which stage a file belongs to, by what it says; the first that fits.
SIGNS = (
    (6, r"URLRouter|\bas_asgi\(|channels\.generic|ProtocolTypeRouter"),
    (5, r"\bSignal\(|@receiver|channels\.layers|AppConfig"),
    (4, r"@shared_task|models\.Model|import OpenAI|@app\.task"),
    (3, r"\bCelery\("),
    (2, r"forms\.Form|def \w+\(request|urlpatterns"),
)

NOT_MIGRATED = (
    r"no such (table|column)|has no column|(relation|column) .* does not exist"
)


def check(scene: Scene) -> str:
    """The modules and the settings can be read, and the web process listens."""
    for part in ("modules", "settings", "django", "urls", "migrate"):
        found = scene.survey.get(part)
        if isinstance(found, dict) and "error" in found:
            raise not_started(scene, Event(found))
    if "web" not in scene.project.running:
        raise Unmet(
            "no-web-process",
            f"the Procfile names {', '.join(scene.project.running) or 'no process'}",
            expected="a process with runserver, daphne or uvicorn",
            at="Procfile:1",
        )
    web = scene.project.running["web"]
    wait_for(lambda: scene.project.listens() or scene.has_ended("web"), START)
    if scene.has_ended("web"):
        words, place = scene.why_it_ended("web")
        text = "\n".join(web.lines)
        if "have not set ASGI_APPLICATION" in text:
            raise Unmet(
                "asgi-application-missing",
                f"the web process ended: {words}",
                expected="a web process that listens",
                at=scene.code.find(r"^INSTALLED_APPS", ".py"),
                stage=6,
            )
        if "daphne.E001" in text:
            raise Unmet(
                "daphne-after-staticfiles",
                "the web process ended: daphne must be listed before staticfiles",
                expected="a web process that listens",
                at=scene.code.find(r"[\"']daphne[\"']", ".py"),
                stage=6,
            )
        asgi = scene.survey.get("asgi", {})
        if "error" in asgi:
            place = place or scene.code.find(r"^ASGI_APPLICATION", ".py")
            raise not_started(scene, Event(asgi), place)
        error, _, message = words.partition(": ")
        raise not_started(
            scene, Event(error=error.rpartition(".")[2], message=message, at=place)
        )
    if not scene.project.listens():
        raise Unmet(
            "web-does-not-listen",
            f"nothing listens at its port after {START:g} s;"
            f" its last line: {last_words(web.lines)}",
            expected="a web process that listens at $PORT",
            at=scene.code.find(r"^web:", ""),
        )
    return "the settings are read, and web listens"


def not_started(scene: Scene, found: Event, place: str | None = None) -> Unmet:
    """The exception that keeps the project from starting, as a mistake."""
    at = found.at or place
    stage = stage_of(scene.code, at)
    seen = found.error
    missing = re.search(r"No module named '([\w.]+)'", seen)
    if missing and not _is_own(scene, missing[1]):
        name = missing[1].partition(".")[0]
        if name in sys.stdlib_module_names or "." in missing[1]:
            return Unmet("does-not-start", seen, at=at, stage=stage)
        return Unmet("package-missing", seen, at=at, stage=stage)
    if re.search(r"as_asgi|missing .* 'request'|'function' object", seen):
        return Unmet("brackets", seen, at=at, stage=stage)
    if re.search(NOT_MIGRATED, seen):
        return Unmet("migration-not-applied", seen, at=at, stage=stage)
    if at is None:
        at = place_of_setting(scene.code, seen)
    line = scene.code.line(at)
    wanted = "a project that starts"
    if found["error"] in ("SyntaxError", "IndentationError", "TabError"):
        wanted = "a file that Python can read"
    expected = f"{wanted}; the line is: {line}" if line else ""
    return Unmet("does-not-start", seen, expected=expected, at=at, stage=stage)


def place_of_setting(code: Code, seen: str) -> str | None:
    """Where to look for what Django says of a setting or of an app's class."""
    if "name attribute" in seen:
        return code.find(r"\(AppConfig\)", ".py")
    named = re.search(r"\b[A-Z][A-Z_]{5,}\b", seen)
    if named and (place := code.find(rf"^{named[0]}\b", ".py")):
        return place
    if re.search(r"ImproperlyConfigured|[Ss]etting", seen):
        return code.find(r"^INSTALLED_APPS", ".py")
    return None


def _is_own(scene: Scene, module: str) -> bool:
    first = module.partition(".")[0]
    return (scene.folder / first).is_dir() or (scene.folder / f"{first}.py").exists()


def stage_of(code: Code, at: str | None) -> int | None:
    """The stage that the file in "file:line" belongs to, or None."""
    name = (at or "").rpartition(":")[0]
    text = code.texts(".py").get(name, "")
    for stage, sign in SIGNS:
        if re.search(sign, text):
            return stage
    return None
