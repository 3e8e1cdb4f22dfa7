"""The door: HTTP goes to Django, WebSockets go to the consumers."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from .origins import StrictOriginValidator
from .threads import InThreads

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# First, because it loads the apps that the routing imports from. The views are plain
# functions: they run in threads that stay, each with its database connection.
django_application = InThreads(get_wsgi_application(), count=32)

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
