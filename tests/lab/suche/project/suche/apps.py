from django.apps import AppConfig


class SucheConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "suche"
    verbose_name = "Suche"

    def ready(self):
        from . import empfaenger  # noqa: F401
