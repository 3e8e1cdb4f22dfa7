"""Signs up, logs in and logs out, without a browser."""

import urllib.parse

from tutorial.visitor.visitor import Answer

from .person import Person

PASSWORD = "correct-horse-9"


def submit(person: Person, path: str, action: str = "", **typed: str) -> Answer:
    """Fill in and send a form of the page at `path`, and return the response.

    Use the form with this `action`. If there is no `action`, use the form that has all
    `typed` fields.
    """
    [form] = [
        form
        for form in person.get(path).page.forms
        if (form.action == action if action else typed.keys() <= form.fields.keys())
    ]
    url = urllib.parse.urljoin(person.site.url, form.action or path)
    answer = person.open(url, urllib.parse.urlencode(form.fields | typed).encode())
    person.fields = person.form().fields  # now with a new CSRF token
    return answer


def sign_up(person: Person, name: str) -> None:
    """Sign up with this name."""
    data = {"username": name, "password1": PASSWORD, "password2": PASSWORD}
    assert submit(person, "/accounts/sign-up/", **data).status == 302


def log_in(person: Person, name: str) -> None:
    """Log in with this name."""
    data = {"username": name, "password": PASSWORD}
    assert submit(person, "/accounts/login/", **data).status == 302


def log_out(person: Person) -> None:
    """Log out. After the logout, the person is a new guest."""
    assert submit(person, "/", action="/accounts/logout/").status == 302


def user_id(person: Person) -> int:
    """Return the id of the person's user.

    If there is no user yet, open a socket, which creates a guest.
    """
    if not person.has_session:
        with person.open_socket():
            pass
    return int(person.get().html.partition('data-user="')[2].partition('"')[0])
