"""Signs a visitor in as a guest, so that request.user.id is never None."""

import secrets
import time

from django.contrib.auth import get_user_model, login
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.crypto import salted_hmac

from .models import Guest

BACKEND = "django.contrib.auth.backends.ModelBackend"


def sign_in_as_guest(request):
    """Return the browser's guest. Call this at the first question or socket.

    An earlier call would create guests for crawlers. Two requests at the same moment,
    such as those of a double click, get the same guest.
    """
    token = request.META.get("CSRF_COOKIE")
    minute = int(time.time() / 60)
    name = guest_name(token, minute)
    with transaction.atomic():
        users = get_user_model().objects
        guest = users.filter(username=guest_name(token, minute - 1)).first()
        if guest is None:
            guest, _ = users.get_or_create(
                username=name, defaults={"password": make_password(None)}
            )
        Guest.objects.get_or_create(user=guest)
    login(request, guest, backend=BACKEND)
    if token:
        # Logging in changes the token, but the forms of the open page still have the
        # old one.
        request.META["CSRF_COOKIE"] = token
        request.META.pop("CSRF_COOKIE_NEEDS_UPDATE", None)
    return guest


def guest_name(token, minute):
    """Return the name of the guest that is created for a browser in this minute.

    The browser has had a CSRF token since its first page. But unlike a password, the
    token is not secret: each page contains it. So it identifies a guest only briefly.
    """
    words = f"{token or secrets.token_hex()} {minute}"
    return f"guest-{salted_hmac('search.guests', words).hexdigest()[:32]}"


def is_guest(user):
    """Return whether the cookie of a browser is the only way to recognize the user."""
    return user.is_authenticated and hasattr(user, "guest")
