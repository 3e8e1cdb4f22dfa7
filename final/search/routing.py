"""Stage 6 · consumer: which WebSocket address goes to which consumer."""

from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from .consumers import SearchConsumer

websocket_urlpatterns = [
    path("ws/search/", SearchConsumer.as_asgi()),
    # Otherwise requests for unknown addresses would fill the log with errors.
    re_path("", WebsocketDenier.as_asgi()),
]
