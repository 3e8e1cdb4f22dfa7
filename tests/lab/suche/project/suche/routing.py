from django.urls import path

from .consumers import VerlaufConsumer

websocket_urlpatterns = [
    path("ws/verlauf/", VerlaufConsumer.as_asgi()),
]
