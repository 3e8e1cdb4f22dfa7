from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "search"

    def ready(self):
        # The import connects the handler; without it, nobody hears the signal. That of
        # the checks registers them.
        from . import checks, handlers  # noqa: F401
