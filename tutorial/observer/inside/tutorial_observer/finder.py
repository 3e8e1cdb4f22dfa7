"""Wraps the watched modules when the project imports them."""

import importlib.util
import sys

from .moved import watch_redis, watch_settings
from .notes import guarded
from .of_celery import watch_app, watch_result, watch_task, watch_worker
from .of_channels import (
    watch_asgiref,
    watch_consumer,
    watch_layer,
    watch_layers,
)
from .of_django import (
    watch_dispatcher,
    watch_forms,
    watch_formsets,
    watch_models,
    watch_request_errors,
    watch_requests,
    watch_templates,
    watch_updates,
)
from .of_network import watch_hosts
from .of_openai import watch_openai, watch_openai_client
from .of_sockets import watch_asgi_handler, watch_routing
from .trail import watch_threads

WATCHED = {
    "asgiref.sync": watch_asgiref,
    "celery.app.base": watch_app,
    "celery.app.task": watch_task,
    "celery.result": watch_result,
    "celery.signals": watch_worker,
    "channels.consumer": watch_consumer,
    "channels.layers": watch_layers,
    "channels.routing": watch_routing,
    "channels_redis.core": watch_layer("RedisChannelLayer"),
    "channels_redis.pubsub": watch_layer("RedisPubSubLoopLayer"),
    "concurrent.futures.thread": watch_threads,
    "django.conf": watch_settings,
    "django.core.handlers.asgi": watch_asgi_handler,
    "django.core.handlers.base": watch_requests,
    "django.core.signals": watch_request_errors,
    "django.db.models": watch_models,
    "django.db.models.query": watch_updates,
    "django.dispatch.dispatcher": watch_dispatcher,
    "django.forms.forms": watch_forms,
    "django.forms.formsets": watch_formsets,
    "django.template.base": watch_templates,
    "openai._base_client": watch_openai,
    "openai._client": watch_openai_client,
    "redis.asyncio.connection": watch_redis,
    "redis.connection": watch_redis,
}


class Finder:
    """An import finder that wraps the watched modules after their import."""

    def __init__(self):
        self._looking = set()

    def find_spec(self, name, path=None, target=None):
        if name not in WATCHED or name in self._looking:
            return None
        self._looking.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._looking.discard(name)
        if spec and spec.loader:
            run = spec.loader.exec_module

            def exec_module(module):
                run(module)
                guarded(WATCHED[name])(module)

            spec.loader.exec_module = exec_module
        return spec


def install():
    sys.meta_path.insert(0, Finder())
    for name in WATCHED.keys() & sys.modules.keys():
        guarded(WATCHED[name])(sys.modules[name])
    guarded(watch_hosts)()
