from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "search"

    def ready(self):
        # The import connects the handler; without it, nobody hears the signal.
        from . import handlers  # noqa: F401
