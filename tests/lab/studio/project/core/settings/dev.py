from .base import *  # noqa: F403

DEBUG = True
SECRET_KEY = "django-insecure-for-local-development-only"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
