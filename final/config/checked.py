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


def positive(env, name, default):
    """A number above 0."""
    text = env.str(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise ImproperlyConfigured(f"{name} must be a number above 0, not {text!r}.")
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
