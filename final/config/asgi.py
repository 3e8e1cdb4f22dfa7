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

# This loads the apps, which the import below needs. The views run in a fixed number of
# threads, with a database connection for each. So in a burst, requests wait for a
# thread and not for a connection, because that wait could end with a timeout.
django_application = InThreads(get_wsgi_application(), settings.DATABASE_CONNECTIONS)

from search.routing import websocket_urlpatterns  # noqa: E402


class StrictOriginValidator(OriginValidator):
    """Also rejects an invalid Origin, for which the base class raises an error."""

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
        # Compare the whole origin: another port of this host may serve another site.
        "websocket": StrictOriginValidator(
            CookieMiddleware(URLRouter(websocket_urlpatterns)), settings.SITE_ORIGINS
        ),
    }
)
