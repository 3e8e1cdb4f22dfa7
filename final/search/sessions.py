"""Sessions in the database, which survive a change of the secret key."""

from datetime import timedelta

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import transaction
from django.utils.timezone import now

from config.database import CONNECTION_ERRORS

NEXT = "_next_key"  # the field of a replaced session that holds the new session's key
LINK_AGE = timedelta(days=1)


class SessionStore(db.SessionStore):
    """Keeps all pages of a browser signed in when Django gives the session a new key.

    Django does this when it loads a session that was signed with one of
    SECRET_KEY_FALLBACKS. At that moment, another open page may still send the earlier
    key. So the earlier key leads to the new one for a day.
    """

    def load(self):
        data = super().load()
        while NEXT in data:
            self._session_key = data[NEXT]
            self.modified = True  # so that the browser gets the new key
            data = super().load()
        return data

    def cycle_key(self):
        data, earlier = self._session, self.session_key
        user = get_user_model().objects.filter(pk=data.get(SESSION_KEY)).first()
        hashes = user.get_session_auth_fallback_hash() if user else ()
        if data.get(HASH_SESSION_KEY) not in hashes:
            # After a log-in or a new password, the earlier key must not work any more.
            super().cycle_key()
            return
        rows = self.model.objects.filter(session_key=earlier)
        with transaction.atomic():
            # Two pages may get here at the same moment. The first one creates the new
            # session, and the second one finds it.
            rows.select_for_update().first()
            self._session_cache = self.load()
            if self.session_key != earlier:
                return
            self._session_cache[HASH_SESSION_KEY] = user.get_session_auth_hash()
            self.create()
            rows.update(
                session_data=self.encode({NEXT: self.session_key}),
                expire_date=now() + LINK_AGE,
            )
        # `clear_guests` uses this date to find out when the new cookie expires.
        user.last_login = now()
        user.save(update_fields=["last_login"])

    def save(self, must_create=False):
        try:
            super().save(must_create)
        except UpdateError as error:
            # Django raises UpdateError for a deleted session and for a database error.
            if isinstance(error.__context__, CONNECTION_ERRORS):
                raise error.__context__ from None
            raise
