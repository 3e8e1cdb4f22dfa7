"""Sessions in the database whose earlier key stays valid for a moment."""

from datetime import timedelta

from django.contrib.sessions.backends import db
from django.utils.timezone import now

MOMENT = timedelta(minutes=1)


class SessionStore(db.SessionStore):
    def cycle_key(self):
        """Give the session another key, as Django does at a log-in.

        Django also does it where a session was signed with one of SECRET_KEY_FALLBACKS.
        At that moment, another open page may send the earlier key, and would be signed
        out. It leads to nothing that the new one does not lead to: a session without a
        user, or one that a changed password ends.
        """
        data, earlier = self._session, self.session_key
        self.create()
        self._session_cache = data
        if earlier:
            rows = self.model.objects.filter(session_key=earlier)
            rows.update(expire_date=now() + MOMENT)
