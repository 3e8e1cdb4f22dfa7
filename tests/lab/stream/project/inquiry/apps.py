from django.apps import AppConfig


class InquiryConfig(AppConfig):
    name = "inquiry"

    def ready(self):
        from . import receivers  # noqa: F401
