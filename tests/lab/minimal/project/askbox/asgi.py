import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.sessions import SessionMiddlewareStack
from django.core.asgi import get_asgi_application
from django.urls import path

from askbox.consumers import AnswerConsumer

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "askbox.settings")

application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": SessionMiddlewareStack(
            URLRouter([path("ws/", AnswerConsumer.as_asgi())])
        ),
    }
)
