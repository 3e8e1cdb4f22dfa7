from django.urls import path

from .consumers import SearchConsumer

websocket_urlpatterns = [
    path("ws/search/<uuid:search_id>/", SearchConsumer.as_asgi()),
]
