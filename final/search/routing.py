"""Stage 6 · consumer: maps the WebSocket's address to the consumer."""

from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from .consumers import SearchConsumer

websocket_urlpatterns = [
    path("ws/search/", SearchConsumer.as_asgi()),
    # Deny all other addresses: a request without a route would log an error.
    re_path("", WebsocketDenier.as_asgi()),
]
