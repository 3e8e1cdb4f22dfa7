"""Stage 6 · consumer: which WebSocket address goes to which consumer."""

from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from .consumers import SearchConsumer

websocket_urlpatterns = [
    path("ws/search/", SearchConsumer.as_asgi()),
    # Or whoever tries other addresses fills the log with errors.
    re_path("", WebsocketDenier.as_asgi()),
]
