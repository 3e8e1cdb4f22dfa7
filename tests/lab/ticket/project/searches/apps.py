from django.apps import AppConfig


class SearchesConfig(AppConfig):
    name = "searches"

    def ready(self):
        from . import handlers  # noqa: F401
