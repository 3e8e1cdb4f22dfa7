"""Explains stage 1: what is wrong in the view, the template or the script."""

import re
import urllib.parse
from collections.abc import Iterator

from tutorial.check.inside.stage_0_start import (
    NOT_MIGRATED,
    of_a_package,
    place_of_setting,
)
from tutorial.check.scene import Scene, last_words
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Events

# The <script> elements with an address, and the texts of inline scripts.
LOADED = "[...document.scripts].map((one) => one.src ? one.outerHTML : one.text)"


def explain(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake in the page or its script, with its place."""
    if unmet.mistake == "page-raises":
        return page_error(scene, unmet, scene.stage_events)
    if unmet.mistake == "page-not-found" and "404" in unmet.seen and scene.view:
        unmet.mistake = "page-refused"
        unmet.seen = unmet.seen.partition("; other addresses")[0]
    if unmet.mistake in ("web-ends", "page-refused"):
        unmet.at = scene.view
        if "status 400" in unmet.seen:
            unmet.at = scene.code.find(r"^ALLOWED_HOSTS", ".py")
    if unmet.mistake == "field-without-name":
        unmet.at = _field_without_name(scene)
    if unmet.mistake == "script-throws":
        unmet.at = place_in_script(scene, unmet)
        if "outside a module" in unmet.seen:
            pattern = r"<script(?!.*type=.?module).*\bsrc="
            unmet.at = scene.code.find(pattern, ".html") or unmet.at
    if unmet.mistake == "form-not-post":
        unmet.at = scene.code.find(r"(?i)<form\b(?!.*method=[\"']?post)", ".html")
    if unmet.mistake == "script-missing" and (at := _no_static(scene)):
        return Unmet(
            "static-not-served",
            f"{unmet.seen}; {at.rpartition(':')[0]} says `{scene.code.line(at)}`",
            expected=unmet.expected,
            at=at,
        )
    if unmet.mistake == "script-missing" and (found := _imported_script(scene, unmet)):
        return found
    if unmet.mistake == "script-missing":
        name = re.search(r"([^/ ]+\.m?js)\b", unmet.seen)
        files = scene.code.texts(".js")
        there = [file for file in files if name and file.endswith(f"/{name[1]}")]
        if there:
            unmet.seen += f"; the project has {', '.join(there)}"
    if unmet.mistake == "socket-address-undefined":
        promise = r"^(?!.*\b(await|then)\b).*=\s*\w+\.json\(\)"
        unmet.at = scene.code.find(promise, ".js", ".html")
    if unmet.mistake == "page-redirects":
        unmet.at = scene.code.find(r"\bredirect\(|HttpResponseRedirect\(", ".py")
    if unmet.mistake == "no-socket":
        return _no_script(scene) or unmet
    if unmet.mistake == "socket-state-not-shown":
        event = unmet.seen.rpartition(" ")[2]
        pattern = rf"\bon{event}\b|[\"']{event}[\"']"
        unmet.at = scene.code.find(pattern, ".js", ".html")
    return unmet


def _no_script(scene: Scene) -> Unmet | None:
    """Return the mistake if the page does not load the WebSocket's script, or None."""
    place = scene.code.find(r"new WebSocket\(", ".js", ".html")
    if place is None:
        return None
    if scene.opened:  # scripts may have changed the page in the browser
        named = scene.opened.page.evaluate(LOADED)
        path = urllib.parse.urlsplit(scene.opened.page.url).path
    else:
        page, path = scene.visitor().get().page, scene.path
        named = [*page.scripts, *page.inline_scripts]
    file = place.rpartition(":")[0].rpartition("/")[2]
    is_module = any("type" in one and "module" in one for one in named)
    if not named or (
        file.endswith("js") and not is_module and not any(file in one for one in named)
    ):
        which = "no script" if not named else f"no {file}"
        return Unmet(
            "script-missing",
            f"the page at {path} loads {which}; the WebSocket is opened in {place}",
            expected="a <script> in the page",
            at=scene.code.find(r"<script|</head>|<head|{% *block", ".html"),
        )
    return None


def _imported_script(scene: Scene, unmet: Unmet) -> Unmet | None:
    """Return the mistake if the missing script is one that another script imports.

    Otherwise, return None.
    """
    address = re.search(r"^(\S+) was answered", unmet.seen)
    name = address[1].rpartition("/")[2] if address else ""
    if not name or any(
        one.endswith(name) for one in scene.visitor().get().page.scripts
    ):
        return None
    at = scene.code.find(
        rf"^\s*(import|export)\b.*[\"'/]{re.escape(name)}[\"']", ".js", ".html"
    )
    if at is None:
        return None
    files = ", ".join(scene.code.texts(".js")) or "none"
    return Unmet(
        "script-import-missing",
        f"{unmet.seen}; the project's scripts: {files}",
        expected=f"{unmet.expected}; the line is: {scene.code.line(at)}",
        at=at,
    )


def _no_static(scene: Scene) -> str | None:
    """Return the place that explains why static files are not served, or None."""
    if scene.code.find(r"ASGIStaticFilesHandler|whitenoise|staticfiles_urlpatt", ".py"):
        return None
    if server := scene.code.find(r"\b(daphne|uvicorn|hypercorn|gunicorn)\b.*:\w+", ""):
        return server
    is_debug = scene.survey.get("settings", {}).get("debug", True)
    return None if is_debug else scene.code.find(r"^DEBUG\b", ".py")


def findings(scene: Scene) -> Iterator[Unmet]:
    """Yield nothing: the observer has no findings at this stage."""
    yield from ()


def page_error(scene: Scene, unmet: Unmet, events: Events) -> Unmet:
    """Return the mistake that caused the status 500 of a page."""
    event = events.wait(2, "request failed")
    if event is None:  # Django does not report some exceptions, such as SystemExit
        lines = scene.lines("web")
        unmet.at = unmet.at or scene.place_in(lines)
        if unmet.at:
            unmet.seen += f"; web says: {last_words(lines)}"
        return unmet
    expected = unmet.expected
    if re.search(NOT_MIGRATED, event.error):
        return not_migrated(scene, event.error)
    at = event.at
    if event["error"] in ("TemplateDoesNotExist", "TemplateSyntaxError"):
        name = event["message"].split()[0] if event["message"] else ""
        files = ", ".join(scene.code.texts(".html")) or "none"
        if any(file.endswith(f"templates/{name}") for file in files.split(", ")):
            seen = f"{event.error}; the file exists, but its app is not installed"
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
    if mistake := of_a_package(event.error):
        return Unmet(mistake, event.error, expected=expected, at=at)
    return Unmet("page-raises", event.error, expected=expected, at=at)


def _field_without_name(scene: Scene) -> str | None:
    """Return the place of the mistake if the page has no field for the question.

    There are three such mistakes: a field has no name, a field is not rendered, or the
    view does not pass the form to the template.
    """
    code = scene.code
    buttons = "hidden|submit|button|reset|image"
    named = rf"name=|type=[\"']?({buttons})"
    if at := code.find(rf"<(input|textarea)\b(?![^>]*\b({named}))[^>]*>", ".html"):
        return at
    at = code.find(r"{{ *\w*form(\.(?!\w*errors)\w+)? *[|}]", ".html")
    name = re.search(r"form\.(\w+)", code.line(at))
    # If the form class has the field, the mistake is in the view: it does not pass the
    # form to the template.
    if at and (not name or code.find(rf"^\s+{name[1]} *=|[\"']{name[1]}[\"']", ".py")):
        return scene.view or at
    return at


def not_migrated(scene: Scene, seen: str) -> Unmet:
    """Return the mistake that explains why a table is missing.

    Either there is no migration, or it is not applied, or the applied migrations do not
    create the table.
    """
    migrations = scene.survey.get("migrations", {})
    expected = "a table for each model"
    if apps := migrations.get("without_migration"):
        return Unmet(
            "migration-missing",
            f"{seen}; there is no migration for the models of: {', '.join(apps)}",
            expected=expected,
        )
    at, waiting = _model_of(scene, seen), migrations.get("unapplied", ["unknown"])
    if not waiting:
        seen = f"{seen}; all migrations are applied"
        return Unmet("table-not-made", seen, expected=expected)
    which = ", ".join(waiting)
    if len(waiting) > 3:
        folder = scene.folder
        own = [one for one in waiting if (folder / one.partition(".")[0]).is_dir()]
        which = f"{len(waiting)}, such as {(own or waiting)[0]}"
    return Unmet(
        "migration-not-applied",
        f"{seen}; migrations that are not applied: {which}",
        expected=expected,
        at=at,
    )


def _model_of(scene: Scene, seen: str) -> str | None:
    """Return the place of the project's model whose table the error names, or None."""
    table = re.search(r"(?:table|relation|column)(?: named)?:? \"?(\w+)", seen)
    for file, text in scene.code.texts(".py").items() if table else []:
        apps = file.split("/")[:-1]
        is_own = any(table[1].startswith(f"{app}_") for app in apps)
        at = scene.code.find(r"models\.Model\b", file)
        if at and (is_own or f'"{table[1]}"' in text):
            return at
    return None


def place_in_script(scene: Scene, unmet: Unmet) -> str | None:
    """Return the place in the project where a script raised an exception, or None.

    The browser names the place as in "http://…/static/search/search.js:12:5".
    """
    error = unmet.__cause__
    for path, line in re.findall(
        r"https?://[^/\s]+(/[^\s:?)]*)[^\s:)]*:(\d+):\d+",
        str(getattr(error, "stack", "") or error),
    ):
        for name in scene.code.texts(".js"):
            if path.endswith("/" + name.rpartition("static/")[2]):
                return f"{name}:{line}"
        if path == scene.path:
            return scene.code.find(r"<script", ".html")
    return None


# If `check` cannot find the page with the question field, a stage may report one of
# these mistakes although the project is correct.
WITHOUT_PAGE = ("no-form", "page-not-found", "page-refused")
TEXT_FIELD = (
    r"<textarea|\{\{ *form\b"
    r"|<input(?!.*type=.?(hidden|submit|button|password|checkbox|file))"
)


def no_page(scene: Scene, unmet: Unmet) -> Unmet:
    """Return the mistake to report if `check` cannot open a page with a field.

    There are two cases. Either the project has addresses but no templates, or a field
    of a template was not rendered and may be on a page that `check` cannot open,
    because the page's address needs parameters. In other cases, return `unmet`.
    """
    if unmet.mistake not in WITHOUT_PAGE:
        return unmet
    templates = [name for name in scene.code.texts(".html") if "templates/" in name]
    if not templates and len(scene.paths) + len(scene.paths_with_parts) > 1:
        why = "the project has no template"
    elif scene.paths_with_parts and (field := _field_not_rendered(scene, templates)):
        addresses = ", ".join(scene.paths_with_parts[:3])
        why = f"the field at {field} was not rendered; `check` cannot open addresses"
        why += f" that need parameters: {addresses}"
    else:
        return unmet
    seen = f"{unmet.seen}; {why}"
    return Unmet("no-page-to-ask-at", seen, expected="a page with a field", stage=1)


def _field_not_rendered(scene: Scene, templates: list[str]) -> str | None:
    """Return the place of a text field in a template that was not rendered, or None."""
    used = {event.at.rpartition(":")[0] for event in scene.events.all("template")}
    left = [name for name in templates if name not in used]
    return scene.code.find(TEXT_FIELD, *left) if left else None
