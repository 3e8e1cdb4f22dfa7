"""Stage 6 · consumer: maps the WebSocket's address to the consumer."""

from django.urls import path

from .consumers import SearchConsumer

websocket_urlpatterns = [
    path("ws/search/", SearchConsumer.as_asgi()),
]
