"""Stage 1 · template: the page has a form, and its script opens a WebSocket."""

import contextlib
import re
import urllib.parse
from collections.abc import Iterator

from tutorial.check.scene import Scene
from tutorial.check.unmet import Unmet
from tutorial.visitor.sockets import FAKE_SOCKETS, wait_in
from tutorial.visitor.visitor import Answer, Form, Page

# Each page in which Django REST framework describes an API contains this text.
OF_AN_API = re.compile(r"/rest_framework/")

# JavaScript that returns all words of the page, also those that only a screen reader
# reads out.
WORDS = """() => document.title + "\\n" + document.body.innerText + "\\n"
  + [...document.querySelectorAll("[aria-label],[title],[alt],[value]")].map(
    (e) => ["aria-label", "title", "alt", "value"].map((a) => e.getAttribute(a))
  ).join("\\n")"""


def look(scene: Scene) -> str:
    """Check that the page has a POST form, and that its script opens a WebSocket."""
    page = _find_page(scene).page
    form = _look_at_form(scene, page)
    sources = list(page.inline_scripts)
    visitor = scene.visitor()
    for address in page.scripts:
        if urllib.parse.urlsplit(address).netloc:
            continue  # the script is on another site
        script = visitor.get(address)
        if script.status != 200:
            raise Unmet(
                "script-missing",
                f"{address} was answered with status {script.status}",
                expected=f"the page's script at {address}",
            )
        sources.append(script.html)
    if scene.browser:
        _look_in_browser(scene)
        opens = "its script opens a WebSocket"
    elif any("new WebSocket(" in source for source in sources):
        opens = "its script names a WebSocket, but no browser could run the script"
    else:
        raise _no_socket()
    where = f" at {scene.path}" if scene.path != "/" else ""
    return f'a form{where} with the field "{form.text_field}"; {opens}'


def findings(scene: Scene) -> Iterator[Unmet]:
    """Check that the form has a button, and the page shows its WebSocket's state."""
    form = scene.visitor().form()
    if not form.has_button:
        yield Unmet(
            "no-submit-button",
            f"the form has the field {form.text_field}, but no button that sends it",
            expected="a button of the type submit in the form",
        )
    if scene.states:
        before, opened, closed = scene.states
        for event, same in (
            ("open", before in (opened, closed)),
            ("close", opened == closed),
        ):
            if same:
                yield Unmet(
                    "socket-state-not-shown",
                    f"the page says the same before and after the event {event} of its"
                    " WebSocket",
                    expected="a page that shows whether its WebSocket is open",
                )


def _find_page(scene: Scene) -> Answer:
    """Return the first page with a form, in the order of the project's addresses.

    If no page has a form, return the most likely page. Raises Unmet if the response for
    that page is an error, a redirect or Django's own page, or if there is no response.
    """
    answers: dict[str, Answer] = {}
    for path in scene.paths:
        if re.match(r"/(admin|static|accounts)\b", path) and path != "/":
            continue
        answer = scene.visitor().get(path)
        if answer.location:
            path = urllib.parse.urlsplit(answer.location).path
            answer = scene.visitor().get(path)
        answers[path] = answer
        has_form = any(form.text_field for form in answer.page.forms)
        if answer.status == 200 and has_form and not OF_AN_API.search(answer.html):
            scene.path = path
            return answer
    scene.path, answer = _best(answers)
    if answer.status == 0:
        raise page_hangs(scene.path, answer)
    if answer.status >= 500:
        raise page_raises(scene.path, answer)
    words = answer.page.text
    # Django's debug page names the view that raised Http404.
    if answer.status == 404 and "Raised by:" not in words:
        addresses = ", ".join(scene.paths[1:]) or "none"
        raise Unmet(
            "page-not-found",
            f"{scene.path} was answered with status 404; other addresses: {addresses}",
            expected="a page at /",
        )
    if "The install worked successfully!" in words:
        raise Unmet(
            "page-not-found",
            f"{scene.path} shows Django's own page, as `urlpatterns` is empty:"
            " “The install worked successfully!”",
            expected="a page at /",
        )
    if answer.location:
        to = urllib.parse.urlsplit(answer.location).path
        raise Unmet(
            "page-redirects",
            f"{scene.path} was answered with status {answer.status}, which redirects to"
            f" {to}",
            expected="the page, with status 200",
        )
    if answer.status != 200:
        raise Unmet(
            "page-refused",
            f"{scene.path} was answered with status {answer.status}: "
            + words.partition(" Request Method:")[0][:120],
            expected="the page, with status 200",
        )
    return answer


def page_hangs(path: str, answer: Answer) -> Unmet:
    """Return the mistake to report if a request for a page got no response."""
    return Unmet(
        "web-ends",
        f"{path} was not answered within {answer.seconds:.0f} s",
        expected=f"{path}, answered with a page",
        stage=1,
    )


def page_raises(path: str, answer: Answer) -> Unmet:
    """Return the mistake to report if a page's response has the status 500."""
    return Unmet(
        "page-raises",
        f"status {answer.status}: {answer.page.text[:200]}",
        expected=f"{path}, answered with a page",
    )


def _best(answers: dict[str, Answer]) -> tuple[str, Answer]:
    """Return the address and response that most likely belong to the form's page."""

    def rank(item: tuple[str, Answer]) -> tuple[bool, bool, bool]:
        answer = item[1]
        fails = answer.status >= 500 or answer.status == 0
        has_form = answer.status == 200 and bool(answer.page.all_forms)
        return has_form, fails, answer.status == 200

    return max(answers.items(), key=rank)


def _look_at_form(scene: Scene, page: Page) -> Form:
    """Return the page's form. Raises Unmet if the form cannot be used."""
    if not any(form.text_field for form in page.forms):
        if any(form.text_field for form in page.all_forms):
            raise Unmet(
                "form-not-post",
                "the form has no method, or one other than post",
                expected='a form with method="post"',
            )
        if page.forms:
            raise Unmet(
                "field-without-name",
                f"the form sends {', '.join(page.forms[0].fields) or 'nothing'}",
                expected="a form with a text field that has a name",
            )
        raise Unmet(
            "no-form",
            f"the page at {scene.path} says: {page.text[:80] or 'nothing'}",
            expected="a page with a form",
        )
    visitor = scene.visitor()
    form = visitor.form()
    if "csrfmiddlewaretoken" not in form.fields and visitor.ask("").status == 403:
        raise Unmet(
            "csrf-token-missing",
            f"the form sends {', '.join(form.fields)}, and is refused with status 403",
            expected="a hidden field csrfmiddlewaretoken in the form",
        )
    return form


def _look_in_browser(scene: Scene) -> None:
    """Check that the script opens a WebSocket and raises no exception.

    The WebSocket's opening and closing must not cause an exception, either.
    """
    with contextlib.closing(scene.browser.new_context()) as context:
        page = context.new_page()
        errors: list = []
        page.on("pageerror", lambda error: errors.append(error))
        # Up to stage 5, no server answers the WebSocket, so the script gets a fake one.
        page.add_init_script(FAKE_SOCKETS)
        page.goto(scene.visitor().page_url)
        if not wait_in(page, "socketsOfThePage.length", 1.5):
            if errors:
                raise script_throws(errors[0])
            raise _no_socket()
        look_at_address(scene, page.evaluate("socketsOfThePage[0].url"))
        scene.states = [page.evaluate(WORDS)]
        for event in ("open", "close"):
            page.evaluate(
                f"socketsOfThePage.forEach((socket) => socket.happen('{event}'))"
            )
            scene.states.append(page.evaluate(WORDS))
        page.wait_for_timeout(0)  # let the browser report an exception
        if errors:
            raise script_throws(errors[0])


def look_at_address(scene: Scene, url: str) -> None:
    """Check that the WebSocket goes to the page's own server, and without TLS."""
    page = urllib.parse.urlsplit(scene.site.url)
    socket = urllib.parse.urlsplit(urllib.parse.urljoin(scene.site.url, url))
    seen = f"the page is at {scene.site.url}, its WebSocket at {url}"
    expected = ""
    if socket.netloc != page.netloc:
        expected = "a WebSocket at the page's own host and port"
    elif socket.scheme in ("wss", "https"):
        seen += ": wss requires TLS, but this server supports only http"
        expected = "a WebSocket with the scheme ws, because the page's scheme is http"
    if expected:
        raise Unmet("socket-does-not-open", seen, expected=expected, stage=1)


def _no_socket() -> Unmet:
    return Unmet(
        "no-socket",
        "the page was loaded, but its script opened no WebSocket",
        expected="a script that calls new WebSocket(...)",
    )


def script_throws(error: Exception) -> Unmet:
    """Return the mistake to report if the page's script raised an exception."""
    unmet = Unmet(
        "script-throws",
        f"the browser's console says: {message_of(error)}",
        expected="a script without an exception",
    )
    unmet.__cause__ = error
    return unmet


def message_of(error: Exception) -> str:
    """Return the first line of an exception that the browser reported."""
    return str(getattr(error, "message", error)).splitlines()[0]
