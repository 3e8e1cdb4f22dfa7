import uuid
from datetime import timedelta

from django.core import signing

COOKIE = "studio_guest"
MAX_AGE = timedelta(days=30)

signer = signing.TimestampSigner(salt="desk.guests")


def guest_from_cookies(cookies):
    try:
        return signer.unsign(cookies.get(COOKIE, ""), max_age=MAX_AGE)
    except signing.BadSignature:
        return None


def new_guest():
    return uuid.uuid4().hex


def remember_guest(response, guest):
    response.set_cookie(
        COOKIE, signer.sign(guest), max_age=MAX_AGE, httponly=True, samesite="Lax"
    )


def group_for(guest):
    return f"guest-{guest}"
