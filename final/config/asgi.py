"""The door: HTTP goes to Django, WebSockets go to the consumers."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from .database import be_impatient
from .origins import StrictOriginValidator
from .threads import InThreads, Separately

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

be_impatient()

# First, because it loads the apps that the routing imports from. The views are plain
# functions: they run in threads that stay. With one connection to the database for each
# thread, a burst of requests waits for threads, and no request gives up.
pages = InThreads(get_wsgi_application(), count=settings.DATABASE_CONNECTIONS)
# Those may all wait for a table that is locked. What needs no database has its own.
django_application = Separately(pages, count=4)

from search.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": django_application,
        # The whole origin, with scheme and port: another site on this host is not ours.
        "websocket": StrictOriginValidator(
            URLRouter(websocket_urlpatterns), settings.SITE_ORIGINS
        ),
    }
)
