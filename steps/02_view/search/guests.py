"""Logs anonymous visitors in as guest users, so that request.user.id is never None."""

import uuid

from django.contrib.auth import get_user_model, login


def sign_in_as_guest(request):
    guest = get_user_model().objects.create_user(username=f"guest-{uuid.uuid4()}")
    login(request, guest)
