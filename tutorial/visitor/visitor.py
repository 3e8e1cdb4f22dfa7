"""A visitor without JavaScript loads the page, sends its form, and keeps cookies."""

import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy

from tutorial.visitor.site import Site

# Likely names of the field for the question, in a form with several fields.
QUESTION = re.compile(r"query|question|search|prompt|text|term|\bq\b", re.I)

# What a person would type into other fields, by the type of the input.
EXAMPLES = {
    "email": "ada@example.org",
    "url": "http://example.org/",
    "number": "1",
    "range": "1",
    "tel": "5550100",
    "date": "2026-01-31",
    "time": "12:00",
    "datetime-local": "2026-01-31T12:00",
    "month": "2026-01",
    "week": "2026-W01",
    "color": "#336699",
    "password": "correct horse",
}


@dataclass
class Form:
    """A form of the page: its address, and the values of its fields."""

    action: str
    method: str = "post"
    fields: dict[str, str] = field(default_factory=dict)
    # The maximum length of each field for free text, by name, in characters; None if
    # the page sets no limit.
    texts: dict[str, int | None] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    id: str = ""
    has_button: bool = False  # whether it has a submit button

    @property
    def text_field(self) -> str | None:
        """The name of the field for the question."""
        # Prefer required fields: a question is required, but other fields may be
        # optional.
        names = [name for name in self.texts if name in self.required] or self.texts
        likely = [name for name in names if QUESTION.search(name)]
        return next(iter(likely or names), None)


class Page(HTMLParser):
    """The contents of a page: forms that are sent by POST, scripts, and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.all_forms: list[Form] = []
        self.scripts: list[str] = []  # the addresses of the scripts
        self.inline_scripts: list[str] = []
        self._words: list[str] = []
        self._open: Form | None = None
        self._select: str | None = None
        self._in: str | None = None  # the open element whose text is not shown
        self.feed(html)

    @property
    def forms(self) -> list[Form]:
        """The forms that are sent by POST."""
        return [form for form in self.all_forms if form.method == "post"]

    @property
    def pieces(self) -> list[str]:
        """The text of each element of the page, with single spaces between words."""
        return [text for words in self._words if (text := " ".join(words.split()))]

    @property
    def text(self) -> str:
        """The page's text, with single spaces between words."""
        return " ".join(self.pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record a form, one of its fields or buttons, or a script."""
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            method = values.get("method", "get").lower()
            self._open = Form(values.get("action", ""), method, id=values.get("id", ""))
            self.all_forms.append(self._open)
        elif tag in ("script", "style", "template"):
            self._in = tag
            if tag == "script" and "src" in values:
                self.scripts.append(values["src"])
        elif self._in is None:
            self._note_button(tag, values)
            if self._open:
                self._note_field(tag, values)

    def handle_endtag(self, tag: str) -> None:
        """Record the end of a form, a list of options, or a script."""
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None
        elif tag == self._in:
            self._in = None

    def handle_data(self, data: str) -> None:
        """Record the text of the page or of a script."""
        if self._in == "script":
            self.inline_scripts.append(data)
        elif self._in is None:
            self._words.append(data)

    def _note_button(self, tag: str, values: dict[str, str]) -> None:
        kind = values.get("type", "submit" if tag == "button" else "text").lower()
        if tag not in ("button", "input") or kind not in ("submit", "image"):
            return
        for form in self.all_forms:
            if form is self._open or (form.id and form.id == values.get("form")):
                form.has_button = True

    def _note_field(self, tag: str, values: dict[str, str]) -> None:
        name, value = values.get("name", ""), values.get("value", "")
        fields = self._open.fields
        if tag == "select" and name:
            self._select = name
        elif tag == "option" and self._select and not fields.get(self._select):
            fields[self._select] = value
        elif tag == "textarea" and name:
            self._note_text(name, "", values)
        elif tag == "button" and name:
            fields.setdefault(name, value)
        elif tag == "input" and name:
            kind = values.get("type", "text").lower()
            if kind in ("text", "search"):
                self._note_text(name, value, values)
            elif kind in ("checkbox", "radio"):
                if "required" in values or "checked" in values:
                    fields.setdefault(name, value or "on")
            elif kind in ("hidden", "submit"):
                fields[name] = value
            elif kind not in ("file", "button", "reset", "image"):
                fields[name] = value or EXAMPLES.get(kind, "")

    def _note_text(self, name: str, value: str, values: dict[str, str]) -> None:
        limit = values.get("maxlength", "")
        if "required" in values:
            self._open.required.add(name)
        self._open.texts[name] = int(limit) if limit.isdecimal() else None
        # A required field needs a value, even if the field is not for the question.
        self._open.fields[name] = value or ("Ada" if "required" in values else "")


@dataclass(frozen=True)
class Answer:
    """The server's response: its status, its page, and how many seconds it took.

    The status is 0 if the server did not respond within the visitor's timeout.
    """

    status: int
    html: str
    seconds: float
    location: str | None = None

    @property
    def page(self) -> Page:
        """The parsed page."""
        return Page(self.html)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object) -> None:
        return None


class NoForm(Exception):
    """Raised if the page has no usable form. `answer` is the server's response."""

    def __init__(self, message: str, answer: Answer) -> None:
        super().__init__(message)
        self.answer = answer


class Visitor:
    """One visitor, with cookies of their own, who uses the page at `path`."""

    def __init__(self, site: Site, path: str = "/", patience: float = 30) -> None:
        self.site = site
        self.path = path
        self.patience = patience  # seconds
        # Like browsers, send secure cookies to 127.0.0.1 even without https.
        policy = DefaultCookiePolicy(secure_protocols=("http", "https", "ws", "wss"))
        self.cookies = CookieJar(policy)
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies), _NoRedirect()
        )

    @property
    def cookie_header(self) -> str:
        """The visitor's cookies, as a browser would send them."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)

    def take_cookies(self, cookies: Mapping[str, str]) -> None:
        """Add these cookies for this site, such as those of another browser."""
        host = urllib.parse.urlsplit(self.site.url).hostname
        for name, value in cookies.items():
            self.cookies.set_cookie(
                Cookie(
                    version=0, name=name, value=value, port=None, port_specified=False,
                    domain=host, domain_specified=False, domain_initial_dot=False,
                    path="/", path_specified=True, secure=False, expires=None,
                    discard=True, comment=None, comment_url=None, rest={},
                )
            )  # fmt: skip

    def get(self, path: str | None = None) -> Answer:
        """Load a page: the visitor's own, or the one at `path`."""
        return self.open(urllib.parse.urljoin(self.page_url, path or ""))

    @property
    def page_url(self) -> str:
        """The address of the visitor's page."""
        return urllib.parse.urljoin(self.site.url, self.path)

    def form(self, answer: Answer | None = None) -> Form:
        """Return the form for a question. Raises NoForm if the page has none.

        `answer` is the response with the page. If it is None, the page is loaded first.

        Ignores forms that are sent to a different server. Django's debug page has such
        a form: sending it would publish the traceback.
        """
        answer = answer or self.get()
        if answer.status != 200:
            message = f"{self.path} was answered with status {answer.status}"
            raise NoForm(message, answer)
        forms = [form for form in answer.page.forms if form.text_field]
        own = [form for form in forms if self._is_own(self.address_of(form))]
        if not own:
            message = "The page has no form that is sent by POST"
            if forms:
                message = f"The page's form is submitted to {self.address_of(forms[0])}"
            raise NoForm(message, answer)
        likely = [form for form in own if QUESTION.search(form.text_field)]
        return (likely or own)[0]

    def address_of(self, form: Form) -> str:
        """Return the address to which a form of the visitor's page is sent."""
        return urllib.parse.urljoin(self.page_url, form.action)

    def _is_own(self, url: str) -> bool:
        return (
            urllib.parse.urlsplit(url)[:2] == urllib.parse.urlsplit(self.site.url)[:2]
        )

    def ask(
        self, question: str, token: str | None = None, page: Answer | None = None
    ) -> Answer:
        """Send the question with the page's form, without following a redirect.

        `token` replaces the form's CSRF token. `page` is the response with the page. If
        it is None, the page is loaded first.
        """
        form = self.form(page)
        data = form.fields | {form.text_field: question}
        if token is not None:
            data["csrfmiddlewaretoken"] = token
        return self.open(self.address_of(form), urllib.parse.urlencode(data).encode())

    def open(self, url: str, data: bytes | None = None) -> Answer:
        """Load `url`, or send `data` there by POST, without following a redirect."""
        started = time.monotonic()
        try:
            with self._opener.open(url, data, timeout=self.patience) as response:
                html = response.read().decode(errors="replace")
                status, location = response.status, None
        except TimeoutError:
            html, status, location = "", 0, None
        except urllib.error.HTTPError as error:
            html = error.read().decode(errors="replace")
            status, location = error.code, error.headers.get("Location")
        return Answer(status, html, time.monotonic() - started, location)
