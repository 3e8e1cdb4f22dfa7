from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Eintrag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "sitzung",
                    models.CharField(
                        db_index=True, max_length=40, verbose_name="Sitzung"
                    ),
                ),
                ("frage", models.TextField(verbose_name="Frage")),
                ("antwort", models.TextField(verbose_name="Antwort")),
                (
                    "erstellt",
                    models.DateTimeField(auto_now_add=True, verbose_name="erstellt am"),
                ),
            ],
            options={
                "verbose_name": "Eintrag",
                "verbose_name_plural": "Einträge",
                "ordering": ["-erstellt"],
            },
        ),
    ]
