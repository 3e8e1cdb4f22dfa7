"""Reads settings from the environment, and says in words what is wrong with them."""

from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


def required(env, name, example, while_debugging):
    """The variable's value, which only DEBUG may leave out."""
    value = env.str(name, while_debugging or "")
    if not value:
        raise ImproperlyConfigured(
            f"Set {name}, for example to {example!r}."
            " On your own machine, DEBUG=1 is enough."
        )
    return value


def url(value, name, *schemes):
    """An address of a service. It may hold a password, so no message repeats it."""
    if urlsplit(value).scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must start with {schemes[0]}://")
    return value


def positive(env, name, default):
    """A number above 0, of the kind that the default is: whole or not."""
    text = env.str(name, str(default))
    try:
        value = type(default)(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        kind = "whole number" if isinstance(default, int) else "number"
        raise ImproperlyConfigured(f"{name} must be a {kind} above 0, not {text!r}.")
    return value


def origins(text):
    """Origins such as https://search.example.org, separated by blanks."""
    for origin in text.split():
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or origin != (
            f"{parts.scheme}://{parts.netloc}"
        ):
            raise ImproperlyConfigured(
                f"SITE_ORIGINS: {origin!r} is no origin. One is a scheme, a name and"
                " perhaps a port, such as https://search.example.org"
            )
    return text.split()
