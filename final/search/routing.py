"""Stage 6 · consumer: which WebSocket address goes to which consumer."""

from django.urls import path

from .consumers import SearchConsumer

websocket_urlpatterns = [
    path("ws/search/", SearchConsumer.as_asgi()),
]
