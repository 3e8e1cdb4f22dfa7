from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "search"

    def ready(self):
        # The import connects the handler. Without it, the signal has no receiver. The
        # import of the checks registers them.
        from . import checks, handlers  # noqa: F401
