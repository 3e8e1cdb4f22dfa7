"""A person with a browser, who finds the form, logs in if necessary, and asks."""

import contextlib
import re
import urllib.parse
from typing import Any

from playwright.sync_api import Error

from tutorial.check.scene import OpenPage, Scene
from tutorial.check.stages.browsing import (
    PATIENCE,
    fill_and_send,
    is_of_an_api,
    listen,
    question_field,
    wait,
)
from tutorial.check.unmet import Unmet
from tutorial.visitor.sockets import KEEP_SOCKETS

# Addresses that never have a form for a question.
UNWANTED = re.compile(r"/(admin|static|media)/|(log|sign)-?_?(out|up)", re.I)
PASSWORDS = "[type=password]:visible"
MOST_PAGES = 15  # the most pages that are opened to find the form
LOGGED_IN = 5.0  # seconds until the login form must be gone

PASSWORD = "correct horse battery staple"
NAME = "tutorial_check_{number}"
EMAIL = "check{number}@example.org"

# Creates a user of the project's own model, with a value for each required field.
MAKE_USER = """
from django.contrib.auth import get_user_model
from django.db.models import EmailField
model = get_user_model()
fields = {{name: {name!r} for name in model.REQUIRED_FIELDS}}
for name in {{model.USERNAME_FIELD, *fields}}:
    is_email = isinstance(model._meta.get_field(name), EmailField)
    fields[name] = {email!r} if is_email else {name!r}
model.objects.create_user(password={password!r}, **fields)
print("user:", fields[model.USERNAME_FIELD])
"""


class Person:
    """A person with a browser and a user account of their own."""

    def __init__(self, scene: Scene, number: int = 1) -> None:
        self._scene = scene
        self._number = number
        self._name = ""  # the user's name, once the user exists
        self._is_refused = False
        self._context = scene.keep(contextlib.closing(scene.browser.new_context()))
        self._context.set_default_timeout(PATIENCE * 1000)
        self.opened = OpenPage(self._context.new_page())
        self.opened.page.add_init_script(KEEP_SOCKETS)
        listen(self.opened)
        self._left: list[str] = []  # addresses that may have a form
        self._seen: set[str] = set()

    @property
    def cookies(self) -> dict[str, str]:
        """The values of the browser's cookies, by name."""
        return {one["name"]: one["value"] for one in self._context.cookies()}

    def find_form(self, path: str = "") -> None:
        """Find and open a page with a field for the question. Try `path` first.

        Raises Unmet if no page has such a field.
        """
        self._left += [self._scene.site.url + one for one in (path, *self._scene.paths)]
        if self.find_next_form():
            return
        scene = self._scene
        if self._is_refused:
            raise Unmet(
                "log-in-refused",
                f"a user that the check created, {self._name}, was not logged in at"
                f" {scene.path}",
                expected="a page that opens after the login",
            )
        raise Unmet(
            "no-form",
            f"no field for a question in {len(self._seen)} pages that were opened",
            expected="a page with a form",
        )

    def find_next_form(self) -> bool:
        """Open the next page with a field for the question, if there is one.

        Return whether there is one.
        """
        scene, page, left = self._scene, self.opened.page, self._left
        while left and len(self._seen) < MOST_PAGES:
            url = left.pop(0)
            if url in self._seen or UNWANTED.search(url):
                continue
            self._seen.add(url)
            self.opened.errors.clear()
            with contextlib.suppress(Error):  # for example, if a response is empty
                answer = page.goto(url)
                if is_of_an_api(page):
                    continue
                if page.locator(PASSWORDS).count() and not self._name:
                    self._log_in()
                    answer = page.goto(url)
                left += _links(page, scene.site.url)
                if answer and answer.status < 400 and question_field(page):
                    scene.path = urllib.parse.urlsplit(page.url).path
                    self.opened.load_errors = [*self.opened.errors]
                    self.opened.forget()
                    return True
        return False

    def ask(self, question: str) -> None:
        """Type the question into the field and send it.

        First discard the records of what the page did before. Raises Unmet if the field
        is no longer there.
        """
        page = self.opened.page
        is_there = urllib.parse.urlsplit(page.url).path == self._scene.path
        if not is_there or not (field := question_field(page)):
            page.goto(self._scene.site.url + self._scene.path)
            field = question_field(page)
        if field is None:
            raise Unmet(
                "no-form",
                f"the page at {self._scene.path} no longer has a field for a question",
                expected="a page with a form",
            )
        self.opened.forget()
        has_socket = page.evaluate("socketsOfThePage.some((one) => one.readyState < 2)")
        fill_and_send(field, question)
        self.opened.was_left = has_socket and "document" in self.opened.posts

    def _log_in(self) -> None:
        page, scene = self.opened.page, self._scene
        name = NAME.format(number=self._number)
        email = EMAIL.format(number=self._number)
        code = MAKE_USER.format(name=name, email=email, password=PASSWORD)
        made = scene.project.manage("shell", "-v", "0", "-c", code)
        found = re.search(r"^user: (.*)$", made.stdout, re.M)
        self._name = found[1] if found else name
        form = page.locator("form:has([type=password])").first
        form.locator("[type=password]").first.fill(PASSWORD)
        field = form.locator("[type=text], [type=email], input:not([type])").first
        fill_and_send(field, self._name)
        if not wait(page, lambda: not _count(page, PASSWORDS), LOGGED_IN):
            self._is_refused = True
            scene.path = urllib.parse.urlsplit(page.url).path


def _links(page: Any, url: str) -> list[str]:
    """Return the addresses of the page's links to its own site."""
    links = page.eval_on_selector_all(
        "a[href]", "links => links.map(link => link.href.split('#')[0])"
    )
    return [link for link in links if link.startswith(url)]


def _count(page: Any, selector: str) -> int:
    """Return the number of elements found, or 1 while the page is being loaded."""
    with contextlib.suppress(Error):
        return page.locator(selector).count()
    return 1
