"""The libraries that are imported before a fork.

The import of these libraries must not depend on a project. It must not read the
settings, start a thread or open a file. Twisted's reactor opens files, so no library
here may import it.
"""

import importlib
import sys

LIBRARIES = (
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.thread",
    "celery.contrib.django.task",
    "celery.fixups.django",
    "celery.worker.consumer",
    "channels.auth",
    "channels.generic.websocket",
    "channels.layers",
    "channels.routing",
    "channels.security.websocket",
    "channels_redis.core",
    "channels_redis.pubsub",
    "csp.middleware",
    "daphne.endpoints",
    "daphne.http_protocol",
    "daphne.ws_protocol",
    "django.contrib.messages.middleware",
    "django.contrib.messages.storage.fallback",
    "django.contrib.sessions.backends.db",
    "django.contrib.staticfiles.finders",
    "django.contrib.staticfiles.management.commands.runserver",
    "django.core.asgi",
    "django.core.management.commands.check",
    "django.core.management.commands.migrate",
    "django.core.servers.basehttp",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.db.models",
    "django.forms",
    "django.middleware.csrf",
    "django.template.defaultfilters",
    "django.template.loader_tags",
    "django.views.debug",
    "django.views.generic",
    "environ",
    "kombu.transport.redis",
    "logging.config",
    "openai",
    "openai.resources.responses",
    "sqlparse",
    "twisted.internet.asyncioreactor",
    "twisted.internet.endpoints",
    "uvicorn.main",
    "uvicorn.protocols.http.h11_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "whitenoise.middleware",
)

# If a file of a project has one of these names, it hides a library of that name.
HIDEABLE = {name.partition(".")[0] for name in LIBRARIES} | {
    "asgiref",
    "httpx2",
    "kombu",
    "redis",
}


def import_libraries() -> None:
    """Import all libraries."""
    for name in LIBRARIES:
        importlib.import_module(name)
    assert "twisted.internet.reactor" not in sys.modules
