"""Explains why the project does not start: which file, setting or package is wrong."""

import ast
import difflib
import re
import sys
from collections.abc import Iterator

from tutorial.check.code import Code, imported
from tutorial.check.scene import NO_SURVEY, Scene
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event
from tutorial.project import procfile

# Patterns that show the stage to which a file belongs. The first match decides.
SIGNS = (
    (6, r"URLRouter|\bas_asgi\(|channels\.generic|ProtocolTypeRouter"),
    (5, r"\bSignal\(|@receiver|channels\.layers|AppConfig"),
    (4, r"@shared_task|models\.Model|import OpenAI|@app\.task"),
    (3, r"\bCelery\("),
    (2, r"forms\.Form|def \w+\(request|urlpatterns"),
)

# Packages that Python does not find if the project has a file of the same name.
PACKAGES = (
    *("openai", "redis", "celery", "kombu", "channels", "channels_redis", "daphne"),
    *("django", "asgiref", "msgpack", "uvicorn", "hypercorn", "whitenoise", "gevent"),
)

NOT_MIGRATED = (
    r"no such (table|column)|has no column|(relation|column) .* does not exist"
)


NO_VARIABLE = (
    r"UndefinedValueError|Set the \w+ environment variable|KeyError: '[A-Z][A-Z_\d]+'"
)
# The error of an ASGI server that cannot find the application to serve.
NO_TARGET = re.compile(r"NoAppError|Error loading ASGI app|app_from_asgi_import")
SERVER = r"\b(daphne|uvicorn|hypercorn|gunicorn)\b"


def explain(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake that keeps the web process from starting or listening."""
    if unmet.mistake == "no-web-process":
        for lost in replaced_lines(scene, "web"):
            lost.seen += f"; {unmet.seen}"
            return lost
    if unmet.mistake not in ("does-not-start", "web-does-not-listen"):
        return unmet
    for found in _shadowing(scene):
        return found
    is_silent = scene.survey.get("settings", {}).get("error") == NO_SURVEY
    if unmet.mistake == "web-does-not-listen" and is_silent:
        return unmet  # the project hangs: there is no exception to explain
    for found in _unreadable(scene):
        return found
    if unmet.mistake == "web-does-not-listen":
        return unmet
    text = "\n".join(scene.lines("web"))
    if "have not set ASGI_APPLICATION" in text:
        return Unmet(
            "asgi-application-missing", unmet.seen, expected=unmet.expected, stage=6
        )
    if "daphne.E001" in text:
        return Unmet(
            "daphne-after-staticfiles",
            "the web process ended: daphne must be listed before staticfiles",
            expected=unmet.expected,
            stage=6,
        )
    if NO_TARGET.search(text):
        at = scene.code.find(SERVER, "")
        return Unmet("server-target", unmet.seen, expected=unmet.expected, at=at)
    place, asgi = scene.place_in(scene.lines("web")), scene.survey.get("asgi", {})
    if "error" in asgi:
        place = place or scene.code.find(r"^ASGI_APPLICATION", ".py")
        return not_started(scene, Event(asgi), place)
    error, _, message = scene.last_words("web").partition(": ")
    error = error.rpartition(".")[2]
    return not_started(scene, Event(error=error, message=message, at=place))


def findings(scene: Scene) -> Iterator[Unmet]:
    """Yield mistakes that do not keep the web process from starting."""
    yield from _shadowing(scene)
    yield from _unreadable(scene)
    yield from replaced_lines(scene)


def replaced_lines(scene: Scene, role: str = "") -> Iterator[Unmet]:
    """Yield a mistake for each line of the Procfile that starts no process.

    If `role` is given, look only at lines that would start a process of this role.
    """
    for line, other in procfile.replaced(scene.folder):
        if not role or line.role == role:
            yield Unmet(
                "process-name-twice",
                f"the lines {line.number} and {other.number} of the Procfile both have"
                f" the name “{line.name}”, so line {line.number} is not started:"
                f" {line.command}",
                expected="a name of its own for each line of the Procfile",
                at=f"Procfile:{other.number}",
            )


def _unreadable(scene: Scene) -> Iterator[Unmet]:
    for part in ("modules", "settings", "django", "urls", "migrate"):
        found = scene.survey.get(part)
        if isinstance(found, dict) and "error" in found:
            yield not_started(scene, Event(found))


def _shadowing(scene: Scene) -> Iterator[Unmet]:
    """Yield a mistake for each file that Python imports instead of a package."""
    for name in PACKAGES:
        for path in (f"{name}.py", f"{name}/__init__.py"):
            if (scene.folder / path).exists():
                yield Unmet(
                    "package-shadowed",
                    f"`import {name}` finds the project's {path} instead of the"
                    " package",
                    at=f"{path}:1",
                )


def _comma_missing(scene: Scene, module: str) -> str | None:
    """Return the place where a comma is missing between two strings, or None.

    Python joins the two strings. `module` is the beginning of the joined string.
    """
    for file, text in scene.code.texts(".py").items():
        for pair in re.finditer(r"[\"']([\w.]+)[\"']\s+[\"']([\w.]+)[\"']", text):
            if (pair[1] + pair[2]).startswith(module):
                return f"{file}:{text[: pair.start()].count(chr(10)) + 1}"
    return None


def of_a_package(error: str) -> str:
    """Return the mistake's id if a package is missing or incompatible, or else ""."""
    if re.search(r"VersionMismatch|requires \S+ version", error):
        return "packages-do-not-fit"
    return "package-missing" if re.match(r"ModuleNotFoundError", error) else ""


def not_started(scene: Scene, found: Event, place: str | None = None) -> Unmet:
    """Return the mistake that explains why an exception prevents the start."""
    at = found.at or place
    stage = stage_of(scene.code, at)
    seen = found.error
    missing = re.search(r"No module named '([\w.]+)'", seen)
    if missing and (comma := _comma_missing(scene, missing[1])):
        return Unmet("comma-missing", seen, at=comma, stage=stage)
    if elsewhere := _module_elsewhere(scene, seen):
        return Unmet("module-elsewhere", f"{seen}; {elsewhere}", at=at, stage=stage)
    if missing and not _is_own(scene, missing[1]):
        name = missing[1].partition(".")[0]
        if name in sys.stdlib_module_names or "." in missing[1]:
            return Unmet("does-not-start", seen, at=at, stage=stage)
        return Unmet("package-missing", seen, at=at, stage=stage)
    if re.search("Apps aren't loaded yet|app_label", seen):
        if place := _early_import(scene):
            return Unmet("asgi-order", seen, at=place, stage=6)
        if place := _early_models(scene):
            return Unmet("models-too-early", seen, at=place)
    if "unable to open database file" in seen:
        at = scene.code.find(r"[\"']NAME[\"']\s*:", ".py")
        return Unmet("database-not-opened", seen, at=at)
    if of_a_package(seen) == "packages-do-not-fit":
        return Unmet("packages-do-not-fit", seen, at=at, stage=stage)
    if re.search(NO_VARIABLE, seen):
        return Unmet("variable-missing", seen, at=at, stage=stage)
    if re.search(r"as_asgi|missing .* 'request'|'function' object", seen):
        return Unmet("brackets", seen, at=at, stage=stage)
    if re.search(NOT_MIGRATED, seen) and at and "migrations/" not in at:
        return Unmet("query-at-import", seen, at=at, stage=stage)
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


def _module_elsewhere(scene: Scene, seen: str) -> str:
    """Return a sentence that says where a missing module really is.

    Return "" if no such place is found.
    """
    if missing := re.search(r"No module named '([\w.]+)\.(\w+)'", seen):
        package, name = missing[1], missing[2]
    elif missing := re.search(r"cannot import name '(\w+)' from '([\w.]+)'", seen):
        package, name = missing[2], missing[1]
    else:
        return ""
    folder = package.replace(".", "/")
    names = [path.removesuffix(".py") for path in scene.code.texts(".py")]
    if not _is_own(scene, package) or f"{folder}/{name}" in names:
        return ""
    same = [path for path in names if path.rpartition("/")[2] == name]
    beside = [
        path.rpartition("/")[2] for path in names if path.rpartition("/")[0] == folder
    ]
    close = difflib.get_close_matches(name, beside, n=1, cutoff=0.7)
    found = same or [f"{folder}/{one}" for one in close]
    if not found:
        return ""
    return f"there is no {folder}/{name}.py, but there is {found[0]}.py"


def place_of_setting(code: Code, seen: str) -> str | None:
    """Return the place of the setting or AppConfig that Django's error is about.

    Return None if it is not found.
    """
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
    """Return the stage that the file in "file:line" belongs to, or None."""
    name = (at or "").rpartition(":")[0]
    text = code.texts(".py").get(name, "")
    for stage, sign in SIGNS:
        if re.search(sign, text):
            return stage
    return None


def _early_models(scene: Scene) -> str | None:
    """Return the place of an import that loads the models too early, or None.

    The import is in an apps.py or __init__.py, which Django reads before the models.
    """
    early = [
        name
        for name in scene.code.python
        if re.search(r"(^|/)(apps|__init__)\.py$", name)
    ]
    for name in early:
        for node in scene.code.python[name].body:
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            leads = scene.code.imported_from(*imported(name, node))
            if any(re.search(r"(^|/)models(\.py|/)", file) for file in leads):
                return f"{name}:{node.lineno}"
    return None


def _early_import(scene: Scene) -> str | None:
    """Return the place of an import in asgi.py above Django's setup, or None."""
    for file, text in scene.code.texts(".py").items():
        if not re.search(r"(^|/)asgi\.py$", file):
            continue
        setup = re.search(
            r"^.*(get_asgi_application\(\)|django\.setup\(\))", text, re.M
        )
        for line in re.finditer(
            r"^(from|import) (?!channels|django).*(routing|consumers|\.views)",
            text,
            re.M,
        ):
            if setup and line.start() < setup.start():
                return f"{file}:{text[: line.start()].count(chr(10)) + 1}"
    return None
