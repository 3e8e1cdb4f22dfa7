"""Stage 1, explained: what is wrong in the view, the template or the script."""

import re
from collections.abc import Iterator

from tutorial.check.inside.stage_0_start import NOT_MIGRATED, place_of_setting
from tutorial.check.scene import Scene
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Events


def explain(scene: Scene, unmet: Unmet) -> Unmet:
    """The exception of the page or of its script, with its place."""
    if unmet.mistake == "page-raises":
        return page_error(scene, unmet, scene.stage_events)
    if unmet.mistake == "script-throws":
        unmet.at = place_in_script(scene, unmet)
    if unmet.mistake == "form-not-post":
        unmet.at = scene.code.find(r"(?i)<form\b(?!.*method=[\"']?post)", ".html")
    if unmet.mistake == "script-missing" and (at := _no_static(scene)):
        return Unmet(
            "static-not-served",
            f"{unmet.seen}; the Procfile says `{scene.code.line(at)}`",
            expected=unmet.expected,
            at=at,
        )
    if unmet.mistake == "script-missing":
        name = re.search(r"([^/ ]+\.m?js)\b", unmet.seen)
        files = scene.code.texts(".js")
        there = [file for file in files if name and file.endswith(f"/{name[1]}")]
        if there:
            unmet.seen += f"; the project has {', '.join(there)}"
    if unmet.mistake == "page-redirects":
        unmet.at = scene.code.find(r"\bredirect\(|HttpResponseRedirect\(", ".py")
    if unmet.mistake == "no-socket":
        page = scene.visitor().get().page
        place = scene.code.find(r"new WebSocket\(", ".js", ".html")
        if place and not page.scripts and not page.inline_scripts:
            return Unmet(
                "script-missing",
                f"the page loads no script; the WebSocket is opened in {place}",
                expected="a <script> in the page",
                at=scene.code.find(r"</head>|<head", ".html"),
            )
    if unmet.mistake == "socket-state-not-shown":
        event = unmet.seen.rpartition(" ")[2]
        pattern = rf"\bon{event}\b|[\"']{event}[\"']"
        unmet.at = scene.code.find(pattern, ".js", ".html")
    return unmet


def _no_static(scene: Scene) -> str | None:
    """Where a server is started that serves no static files by itself, or None."""
    if scene.code.find(r"ASGIStaticFilesHandler|whitenoise|staticfiles_urlpatt", ".py"):
        return None
    return scene.code.find(r"\b(daphne|uvicorn|hypercorn|gunicorn)\b.*:\w+", "")


def findings(scene: Scene) -> Iterator[Unmet]:
    """The observer knows nothing more."""
    yield from ()


def page_error(scene: Scene, unmet: Unmet, events: Events) -> Unmet:
    """The exception behind a page that was answered with status 500, as a mistake."""
    event = events.wait(2, "request failed")
    if event is None:
        return unmet
    expected = unmet.expected
    if re.search(NOT_MIGRATED, event.error):
        return not_migrated(scene, event.error)
    at = event.at
    if event["error"] in ("TemplateDoesNotExist", "TemplateSyntaxError"):
        name = event["message"].split()[0] if event["message"] else ""
        files = ", ".join(scene.code.texts(".html")) or "none"
        if any(file.endswith(f"templates/{name}") for file in files.split(", ")):
            seen = f"{event.error}; the file is there, and its app is not installed"
            return Unmet("app-not-installed", seen, expected=expected)
        if event["error"] == "TemplateDoesNotExist":
            seen = f"{event.error}; the project's templates: {files}"
            at = at or scene.code.find(re.escape(name), ".py")
            return Unmet("template-missing", seen, expected=expected, at=at)
    if (
        "{%" in event.error
        or "NoReverseMatch" in event.error
        or "static" in event.error
    ):
        at = at or scene.code.find(r"{% (url|static|include)", ".html")
    if "didn't return an HttpResponse" in event.error:
        view = re.search(r"The view [\w.]*?(\w+) didn't", event.error)
        at = scene.code.find(rf"(def|class) {view[1]}\b", ".py") if view else at
        return Unmet("return-missing", event.error, expected=expected, at=at)
    if "has no attribute 'cleaned_data'" in event.error:
        at = scene.code.find(r"\bis_valid\b(?!\()", ".py") or at
        return Unmet("form-not-checked", event.error, expected=expected, at=at)
    at = at or place_of_setting(scene.code, event.error)
    return Unmet("page-raises", event.error, expected=expected, at=at)


def not_migrated(scene: Scene, seen: str) -> Unmet:
    """A table that is not there: no migration was made, or it was not applied."""
    migrations = scene.survey.get("migrations", {})
    expected = "a table for each model"
    if apps := migrations.get("without_migration"):
        return Unmet(
            "migration-missing",
            f"{seen}; no migration knows the models of: {', '.join(apps)}",
            expected=expected,
        )
    waiting = ", ".join(migrations.get("unapplied", [])) or "none"
    return Unmet(
        "migration-not-applied",
        f"{seen}; migrations that wait: {waiting}",
        expected=expected,
    )


def place_in_script(scene: Scene, unmet: Unmet) -> str | None:
    """The project's file and line for "http://…/static/search/search.js:12:5"."""
    error = unmet.__cause__
    for path, line in re.findall(
        r"https?://[^/\s]+(/[^\s:?)]*)[^\s:)]*:(\d+):\d+",
        str(getattr(error, "stack", "") or error),
    ):
        for name in scene.code.texts(".js"):
            if name.endswith(path.partition("/static/")[2] or path):
                return f"{name}:{line}"
        if path == scene.path:
            return scene.code.find(r"<script", ".html")
    return None
