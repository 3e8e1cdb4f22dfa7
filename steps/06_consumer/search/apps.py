from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "search"

    def ready(self):
        # The import connects the handler. Without it, the signal has no receiver.
        from . import handlers  # noqa: F401
