"""Deletes what nobody can see any more. Run it each day, beside `clearsessions`."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.core.management.base import BaseCommand
from django.utils.timezone import now


class Command(BaseCommand):
    help = "Delete the guests whose cookie has expired, and their searches."

    def handle(self, *args, **options):
        lost = get_user_model().objects.filter(
            password__startswith=UNUSABLE_PASSWORD_PREFIX,
            last_login__lt=now() - timedelta(seconds=settings.SESSION_COOKIE_AGE),
        )
        count = lost.count()
        lost.delete()
        self.stdout.write(f"guests deleted: {count}")
