"""A visitor without JavaScript: loads the page, fills in its form, keeps cookies."""

import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar

from tutorial.specifications.site import Site, Unmet

NO_FORM = "The page has no form that is sent by POST"


@dataclass
class Form:
    """A form of the page: where it goes, and what it sends as it stands."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    text_field: str | None = None  # the name of the field that a person types in


class Page(HTMLParser):
    """What a visitor finds in a page: its forms sent by POST, its scripts, its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.scripts: list[str] = []  # addresses
        self.inline_scripts: list[str] = []
        self._words: list[str] = []
        self._open: Form | None = None
        self._in_script = False
        self.feed(html)

    @property
    def text(self) -> str:
        """The page's text, with single blanks."""
        return " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, their fields, and scripts."""
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and values.get("method", "").lower() == "post":
            self._open = Form(values.get("action", ""))
            self.forms.append(self._open)
        elif tag == "script":
            self._in_script = True
            if "src" in values:
                self.scripts.append(values["src"])
        elif self._open and tag in ("input", "textarea") and values.get("name"):
            self._open.fields[values["name"]] = values.get("value", "")
            kind = values.get("type", "text")
            if kind in ("text", "search") and self._open.text_field is None:
                self._open.text_field = values["name"]

    def handle_endtag(self, tag: str) -> None:
        """Note the ends of forms and scripts."""
        if tag == "form":
            self._open = None
        elif tag == "script":
            self._in_script = False

    def handle_data(self, data: str) -> None:
        """Note the page's text."""
        (self.inline_scripts if self._in_script else self._words).append(data)


@dataclass(frozen=True)
class Answer:
    """What the server said: the status, the page, and how long it took (seconds)."""

    status: int
    html: str
    seconds: float
    location: str | None = None

    @property
    def page(self) -> Page:
        """The page, read."""
        return Page(self.html)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object) -> None:
        return None


class Visitor:
    """One visitor, with cookies of their own."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies), _NoRedirect()
        )

    @property
    def cookie_header(self) -> str:
        """The visitor's cookies, as a browser would send them."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)

    def get(self, path: str = "/") -> Answer:
        """Load a page."""
        return self._open(urllib.parse.urljoin(self.site.url, path))

    def form(self) -> Form:
        """The form to ask with, from a fresh page. Raises Unmet where there is none."""
        for form in self.get().page.forms:
            if form.text_field:
                return form
        raise Unmet(NO_FORM)

    def ask(self, question: str, token: str | None = None) -> Answer:
        """Send the question with the page's form; a redirect is not followed.

        `token` takes the place of the form's CSRF token.
        """
        form = self.form()
        data = form.fields | {form.text_field: question}
        if token is not None:
            data["csrfmiddlewaretoken"] = token
        url = urllib.parse.urljoin(self.site.url, form.action or "/")
        return self._open(url, urllib.parse.urlencode(data).encode())

    def _open(self, url: str, data: bytes | None = None) -> Answer:
        started = time.monotonic()
        try:
            with self._opener.open(url, data, timeout=30) as response:
                html = response.read().decode(errors="replace")
                status, location = response.status, None
        except urllib.error.HTTPError as error:
            html = error.read().decode(errors="replace")
            status, location = error.code, error.headers.get("Location")
        return Answer(status, html, time.monotonic() - started, location)
