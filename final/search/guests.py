"""Makes every visitor somebody, so that request.user.id is never None."""

import uuid

from django.contrib.auth import get_user_model, login

BACKEND = "django.contrib.auth.backends.ModelBackend"


def sign_in_as_guest(request):
    guest = get_user_model().objects.create_user(username=f"guest-{uuid.uuid4()}")
    login(request, guest, backend=BACKEND)


def is_guest(user):
    """Whether the user lasts only as long as the browser keeps its cookie."""
    return user.is_authenticated and not user.has_usable_password()
