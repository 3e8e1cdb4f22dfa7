"""Reads settings from the environment, and reports invalid values clearly."""

import os
import re
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def text(name, default=""):
    """Return the variable's value, unchanged: a `$` in it stays a `$`."""
    return os.environ.get(name) or default


def required(name, example, while_debugging):
    """Return the variable's value, which is optional only with DEBUG."""
    value = text(name) or while_debugging
    if not value:
        raise ImproperlyConfigured(
            f"Set {name}, for example to {example!r}."
            " On your own machine, DEBUG=1 is enough."
        )
    return value


def boolean(name, default):
    """Return True or False. Reject other values: a typo must not turn anything off."""
    value = text(name, TRUE[0] if default else FALSE[0])
    if value.lower() not in TRUE + FALSE:
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")
    return value.lower() in TRUE


def positive(name, default):
    """Return a number above 0. It must be whole if `default` is a whole number."""
    value = text(name, str(default))
    try:
        number = type(default)(value)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        kind = "whole number" if isinstance(default, int) else "number"
        raise ImproperlyConfigured(f"{name} must be a {kind} above 0, not {value!r}.")
    return number


def check_address(value, name, *schemes):
    """Reject an invalid address of a service. Error messages omit its password."""
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 (it may raise)
    except ValueError:
        kind = name.partition("_")[0]
        raise ImproperlyConfigured(
            f"{name} cannot be read. If the password contains characters such as"
            f" / ? # [, set {kind}_PASSWORD instead."
        ) from None
    if parts.scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must start with {schemes[0]}://")


def origins(name, value):
    """Return the list of the origins in `value`, which are separated by spaces."""
    for origin in value.split():
        # The format of the Origin header: no user, no path, no *.
        found = re.fullmatch(r"https?://([a-z\d_.-]+|\[[a-f\d:]+\])(?::(\d+))?", origin)
        if not found or int(found[2] or 0) > 65_535:
            raise ImproperlyConfigured(
                f"{name}: {origin!r} is not an origin. An origin is a scheme, a host"
                " and perhaps a port, such as https://search.example.org"
            )
    return value.split()
