"""Checks of the API's client and of Redis, for `manage.py check --deploy`."""

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register
from openai import OpenAIError

from config.redis_address import find_misconfiguration

from .tasks import get_client


@register(Tags.security, deploy=True)
def check_redis(app_configs, **kwargs):
    words = find_misconfiguration(settings.REDIS)
    return [Error(f"{words}.", id="search.E002")] if words else []


@register(Tags.security, deploy=True)
def check_client(app_configs, **kwargs):
    try:
        get_client(0)
    except OpenAIError:
        words = "OPENAI_API_KEY is not set: each search would fail."
        return [Warning(words, id="search.W001")]
    except Exception as error:
        # The error's text may contain the password of a proxy.
        kind = type(error).__name__
        words = f"The client of the OpenAI API cannot be created ({kind})."
        hint = "Look at ALL_PROXY, HTTPS_PROXY and SSL_CERT_FILE in the environment."
        return [Error(words, hint=hint, id="search.E001")]
    return []
