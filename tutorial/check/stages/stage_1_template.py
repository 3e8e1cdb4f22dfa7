"""Stage 1 · template: the page has a form, and its script opens a WebSocket."""

import contextlib
import re
import urllib.parse

from tutorial.check.scene import Scene
from tutorial.check.stages.stage_0_start import NOT_MIGRATED, place_of_setting
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event, Events
from tutorial.visitor.sockets import wait_in
from tutorial.visitor.visitor import Answer, Page

# A script for the page, to run before its own: no stage 1 has a server for its socket.
FAKE_SOCKETS = """
window.socketsOfThePage = [];
window.WebSocket = class FakeWebSocket extends EventTarget {
  static CONNECTING = 0; static OPEN = 1; static CLOSING = 2; static CLOSED = 3;
  constructor(url) {
    super();
    this.url = String(url);
    this.readyState = 0;
    window.socketsOfThePage.push(this);
  }
  send() {}
  close() {}
  happen(name) {
    this.readyState = name === "open" ? 1 : 3;
    const event =
      name === "close" ? new CloseEvent(name, {code: 1006}) : new Event(name);
    try {
      this[`on${name}`]?.(event);
    } catch (error) {
      reportError(error);
    }
    this.dispatchEvent(event);
  }
};
"""

# All that a person or a screen reader gets from the page.
WORDS = """() => document.title + "\\n" + document.body.innerText + "\\n"
  + [...document.querySelectorAll("[aria-label],[title],[alt],[value]")].map(
    (e) => ["aria-label", "title", "alt", "value"].map((a) => e.getAttribute(a))
  ).join("\\n")"""


def check(scene: Scene) -> str:
    """The page has a form that is sent by POST, and a script that opens a WebSocket."""
    answer = _find_page(scene)
    page = answer.page
    form = _check_form(scene, page)
    sources = list(page.inline_scripts)
    visitor = scene.visitor()
    for address in page.scripts:
        if urllib.parse.urlsplit(address).netloc:
            continue  # of another site
        script = visitor.get(address)
        if script.status != 200:
            raise Unmet(
                "script-missing",
                f"{address} was answered with status {script.status}",
                expected=f"the page's script at {address}",
                at=scene.code.find(r"<script[^>]*src", ".html"),
            )
        sources.append(script.html)
    if scene.browser:
        _check_in_browser(scene)
    elif not any("new WebSocket(" in source for source in sources):
        raise _no_socket(scene, page)
    where = f" at {scene.path}" if scene.path != "/" else ""
    return (
        f'a form{where} with the field "{form.text_field}";'
        " its script opens a WebSocket"
    )


def _find_page(scene: Scene) -> Answer:
    """The page with the form: the first of the project's addresses that has one."""
    paths = ["/", *(url["path"] for url in scene.survey["urls"])]
    answers: dict[str, Answer] = {}
    marked = scene.events.mark()
    for path in dict.fromkeys(paths):
        if re.match(r"/(admin|static|accounts)\b", path) and path != "/":
            continue
        answer = scene.visitor().get(path)
        if answer.location:
            path = urllib.parse.urlsplit(answer.location).path
            answer = scene.visitor().get(path)
        answers[path] = answer
        if answer.status == 200 and any(f.text_field for f in answer.page.forms):
            scene.path = path
            return answer
    scene.path, answer = _best(answers)
    if answer.status >= 500:
        raise page_error(scene, scene.path, marked, answer)
    if answer.status == 404:
        raise Unmet(
            "page-not-found",
            f"{scene.path} was answered with status 404; addresses: {_listed(scene)}",
            expected="a page at /",
            at=scene.code.find(r"urlpatterns", ".py"),
        )
    if answer.status != 200:
        raise Unmet(
            "page-refused",
            f"{scene.path} was answered with status {answer.status}: "
            + answer.page.text[:120],
            expected="the page, with status 200",
            at=scene.code.find(r"urlpatterns", ".py"),
        )
    return answer


def _best(answers: dict[str, Answer]) -> tuple[str, Answer]:
    """The page that comes nearest to one with the form."""

    def rank(item: tuple[str, Answer]) -> tuple[bool, bool, bool]:
        answer = item[1]
        has_form = answer.status == 200 and bool(answer.page.all_forms)
        return has_form, answer.status >= 500, answer.status == 200

    return max(answers.items(), key=rank)


def _listed(scene: Scene) -> str:
    return ", ".join(url["path"] for url in scene.survey["urls"]) or "none"


def page_error(scene: Scene, path: str, events: Events, answer: Answer) -> Unmet:
    """A page that was answered with status 500, as a mistake."""
    event = events.wait(2, "request failed") or Event(
        error=f"status {answer.status}", message=answer.page.text[:200]
    )
    expected = f"{path}, answered with a page"
    if re.search(NOT_MIGRATED, event.error):
        return not_migrated(scene, event.error)
    at = event.at
    if event["error"] in ("TemplateDoesNotExist", "TemplateSyntaxError"):
        name = event["message"].split()[0] if event["message"] else ""
        files = ", ".join(scene.code.texts(".html")) or "none"
        if any(file.endswith(f"templates/{name}") for file in files.split(", ")):
            at = scene.code.find(r"^INSTALLED_APPS", ".py")
            seen = f"{event.error}; the file is there, and its app is not installed"
            return Unmet("app-not-installed", seen, expected=expected, at=at)
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
    if apps := migrations.get("without_migration"):
        return Unmet(
            "migration-missing",
            f"{seen}; no migration knows the models of: {', '.join(apps)}",
            expected="a table for each model",
            at=scene.code.find(r"models\.Model\b", ".py"),
        )
    waiting = ", ".join(migrations.get("unapplied", [])) or "none"
    return Unmet(
        "migration-not-applied",
        f"{seen}; migrations that wait: {waiting}",
        expected="a table for each model",
        at=scene.code.find(r"models\.Model\b", ".py"),
    )


def _check_form(scene: Scene, page: Page):
    """The form of the page. Raises Unmet where it cannot be used."""
    forms = [form for form in page.forms if form.text_field]
    in_template = scene.code.find(r"<form", ".html")
    if not forms:
        if any(form.text_field for form in page.all_forms):
            raise Unmet(
                "form-not-post",
                "the form has no method, or another one than post",
                expected='a form with method="post"',
                at=in_template,
            )
        if page.forms:
            raise Unmet(
                "field-without-name",
                f"the form sends {', '.join(page.forms[0].fields) or 'nothing'}",
                expected="a form with a text field that has a name",
                at=scene.code.find(r"<input|<textarea|{{ *form", ".html")
                or in_template,
            )
        raise Unmet(
            "no-form",
            f"the page at {scene.path} says: {page.text[:80] or 'nothing'}",
            expected="a page with a form",
            at=in_template or scene.code.find(r"<body", ".html"),
        )
    form = scene.visitor().form()
    if not form.has_button:
        raise Unmet(
            "no-submit-button",
            f"the form has the field {form.text_field}, and no button that sends it",
            expected="a button of the type submit in the form",
            at=scene.code.find(r"<button", ".html") or in_template,
        )
    protected = any(
        "CsrfViewMiddleware" in m for m in scene.survey["settings"]["middleware"]
    )
    if "csrfmiddlewaretoken" not in form.fields and protected:
        raise Unmet(
            "csrf-token-missing",
            f"the form sends {', '.join(form.fields)}",
            expected="a hidden field csrfmiddlewaretoken in the form",
            at=in_template,
        )
    return form


def _check_in_browser(scene: Scene) -> None:
    """The script opens a WebSocket, and the page shows what becomes of it."""
    with contextlib.closing(scene.browser.new_context()) as context:
        page = context.new_page()
        errors: list = []
        page.on("pageerror", lambda error: errors.append(error))
        page.add_init_script(FAKE_SOCKETS)
        page.goto(scene.visitor().page_url)
        if not wait_in(page, "socketsOfThePage.length", 1.5):
            if errors:
                raise script_error(scene, errors[0])
            raise _no_socket(scene, scene.visitor().get().page)
        _check_address(scene, page.evaluate("socketsOfThePage[0].url"))
        words = [page.evaluate(WORDS)]
        for event in ("open", "close"):
            page.evaluate(
                f"socketsOfThePage.forEach((socket) => socket.happen('{event}'))"
            )
            words.append(page.evaluate(WORDS))
        page.wait_for_timeout(0)  # what was thrown is told by an event of its own
        if errors:
            raise script_error(scene, errors[0])
    places = (r"\bonopen\b|[\"']open[\"']", r"\bonclose\b|[\"']close[\"']")
    for number, event in enumerate(("open", "close")):
        if words[number] == words[number + 1] or words[0] == words[2]:
            raise Unmet(
                "socket-state-not-shown",
                f"the page says the same before and after its WebSocket's {event}",
                expected="a page that tells whether its WebSocket is open",
                at=scene.code.find(places[number], ".js", ".html")
                or scene.code.find(r"new WebSocket\(", ".js", ".html"),
            )


def _check_address(scene: Scene, url: str) -> None:
    """The WebSocket goes to the server that the page came from."""
    host = urllib.parse.urlsplit(urllib.parse.urljoin(scene.site.url, url)).netloc
    if host != urllib.parse.urlsplit(scene.site.url).netloc:
        raise Unmet(
            "socket-does-not-open",
            f"the page is at {scene.site.url}, its WebSocket at {url}",
            expected="a WebSocket at the page's own host and port",
            at=scene.code.find(r"new WebSocket\(", ".js", ".html"),
            stage=1,
        )


def _no_socket(scene: Scene, page: Page) -> Unmet:
    place = scene.code.find(r"new WebSocket\(", ".js", ".html")
    if place and not page.scripts and not page.inline_scripts:
        return Unmet(
            "script-missing",
            f"the page loads no script; the WebSocket is opened in {place}",
            expected="a <script> in the page",
            at=scene.code.find(r"</head>|<head", ".html"),
        )
    return Unmet(
        "no-socket",
        "the page was loaded, and its script opened no WebSocket",
        expected="a script that calls new WebSocket(...)",
        at=place or scene.code.find(r"<script", ".html"),
    )


def script_error(scene: Scene, error) -> Unmet:
    """An exception in the page's script, as a mistake."""
    message = str(getattr(error, "message", error)).splitlines()[0]
    stack = str(getattr(error, "stack", "") or error)
    return Unmet(
        "script-throws",
        f"the browser's console says: {message}",
        expected="a script that runs through",
        at=place_in_script(scene, stack),
    )


def place_in_script(scene: Scene, stack: str) -> str | None:
    """The project's file and line for "http://…/static/search/search.js:12:5"."""
    for path, line in re.findall(
        r"https?://[^/\s]+(/[^\s:?)]*)[^\s:)]*:(\d+):\d+", stack
    ):
        for name in scene.code.texts(".js"):
            if name.endswith(path.partition("/static/")[2] or path):
                return f"{name}:{line}"
        if path == scene.path:
            return scene.code.find(r"<script", ".html")
    return None
