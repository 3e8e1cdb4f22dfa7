"""Lets in the WebSockets that pages of our own have opened, and no others."""

from urllib.parse import urlsplit

from channels.security.websocket import OriginValidator, WebsocketDenier


class StrictOriginValidator(OriginValidator):
    """An OriginValidator that refuses an Origin that is no address at all.

    The base class raises an error, so malformed origins would fill the log.
    """

    async def __call__(self, scope, receive, send):
        try:
            for name, value in scope["headers"]:
                if name == b"origin":
                    urlsplit(value.decode("latin-1")).port  # noqa: B018 (it may raise)
        except ValueError:
            return await WebsocketDenier()(scope, receive, send)
        return await super().__call__(scope, receive, send)
