"""Follows a WebSocket's handshake to a consumer, and records how far it gets."""

import functools

from .notes import guarded, note, problem
from .trail import handshake, new


def watch_routing(module):
    watch_application(module.ProtocolTypeRouter)
    call = module.URLRouter.__call__

    @functools.wraps(call)
    async def __call__(self, scope, receive, send):
        try:
            return await call(self, scope, receive, send)
        except ValueError as error:
            if "No route found" in str(error):
                guarded(note_routes)(self)
            raise

    module.URLRouter.__call__ = __call__


def note_routes(router):
    note("no route", routes=[str(route.pattern) for route in router.routes])


def watch_asgi_handler(module):
    watch_application(module.ASGIHandler)


def watch_application(kind):
    """Record the handshakes that reach an ASGI application."""
    call = kind.__call__

    @functools.wraps(call)
    async def __call__(self, scope, receive, send):
        if scope["type"] != "websocket" or handshake.get():
            return await call(self, scope, receive, send)
        token = handshake.set(new())
        try:
            note("handshake", path=scope.get("path"))
            return await call(self, scope, receive, send)
        except Exception as error:
            note("handshake failed", path=scope.get("path"), **problem(error))
            raise
        finally:
            handshake.reset(token)

    kind.__call__ = __call__


def note_plain_request(request):
    """Record a handshake that the server has passed on as a plain HTTP request."""
    from django.conf import settings

    if request.headers.get("Upgrade", "").lower() == "websocket":
        has_daphne = "daphne" in settings.INSTALLED_APPS
        note("handshake over HTTP", path=request.path, has_daphne=has_daphne)
