"""The ASGI application: HTTP goes to Django, WebSockets go to the consumers."""

import os
from urllib.parse import urlsplit

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator, WebsocketDenier
from channels.sessions import CookieMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from .database import be_impatient
from .threads import InThreads

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

be_impatient()

# This comes first, because it loads the apps, which the import below needs. The views
# are plain functions: they run in threads that stay. With one connection to the
# database for each thread, a burst of requests waits for threads, and no request gives
# up.
django_application = InThreads(get_wsgi_application(), settings.DATABASE_CONNECTIONS)

from search.routing import websocket_urlpatterns  # noqa: E402


class StrictOriginValidator(OriginValidator):
    """Refuses an Origin that is no address, too: the base class raises an error."""

    async def __call__(self, scope, receive, send):
        try:
            for name, value in scope["headers"]:
                if name == b"origin":
                    urlsplit(value.decode("latin-1")).port  # noqa: B018 (it may raise)
        except ValueError:
            return await WebsocketDenier()(scope, receive, send)
        return await super().__call__(scope, receive, send)


application = ProtocolTypeRouter(
    {
        "http": django_application,
        # The whole origin, with scheme and port: another site on this host is not ours.
        "websocket": StrictOriginValidator(
            CookieMiddleware(URLRouter(websocket_urlpatterns)), settings.SITE_ORIGINS
        ),
    }
)
