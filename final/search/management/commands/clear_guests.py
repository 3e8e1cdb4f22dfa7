"""Deletes expired guests and their searches. Run it each day, like `clearsessions`."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db.models import Q
from django.db.models.signals import post_delete
from django.utils.timezone import now

from search.handlers import close_sockets_of_user

BATCH = 1_000  # guests per transaction; other processes can write in between


class Command(BaseCommand):
    help = "Delete the guests whose cookie has expired, and their searches."

    def handle(self, *args, **options):
        users = get_user_model().objects
        count, limit = 0, now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
        is_lost = Q(last_login__lt=limit)
        # The database failed after it saved the guest and before the login.
        is_lost |= Q(last_login=None, date_joined__lt=limit)
        lost = users.filter(is_lost, guest__isnull=False)
        # These guests have no session, so they have no sockets to close.
        post_delete.disconnect(close_sockets_of_user, sender=users.model)
        try:
            while batch := list(lost.values_list("pk", flat=True)[:BATCH]):
                users.filter(pk__in=batch).delete()
                count += len(batch)
        finally:
            post_delete.connect(close_sockets_of_user, sender=users.model)
        self.stdout.write(f"guests deleted: {count}")
