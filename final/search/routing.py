"""Stage 6 · consumer: maps the WebSocket's address to the consumer."""

from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from .consumers import SearchConsumer

websocket_urlpatterns = [
    path("ws/search/", SearchConsumer.as_asgi()),
    # Otherwise requests for unknown addresses would fill the log with errors.
    re_path("", WebsocketDenier.as_asgi()),
]
