import django.db.models.deletion
from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import migrations, models


def mark_guests(apps, schema_editor):
    """Until now, a guest was a user with this kind of name and without a password."""
    users = apps.get_model(settings.AUTH_USER_MODEL).objects.filter(
        username__startswith="guest-", password__startswith=UNUSABLE_PASSWORD_PREFIX
    )
    guest = apps.get_model("search", "Guest")
    found = (guest(user_id=pk) for pk in users.values_list("pk", flat=True))
    guest.objects.bulk_create(found, batch_size=1_000)


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0002_states"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Guest",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.RunPython(mark_guests, migrations.RunPython.noop),
    ]
