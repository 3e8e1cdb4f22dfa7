"""Stage 6 · consumer: holds a browser's WebSocket and passes the group's news on."""

import asyncio
import json
import logging
from contextlib import suppress

from channels.db import database_sync_to_async
from channels.exceptions import DenyConnection, StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, parse_cookie
from redis.exceptions import RedisError

from .health import sockets
from .live import digest, group_of
from .models import Status
from .snapshot import snapshot_of

logger = logging.getLogger(__name__)

# Seconds that a browser may take to make room for a frame.
PATIENCE = 20

POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013
# Of the range that is left to applications.
SIGNED_OUT = 4001


class SearchConsumer(AsyncWebsocketConsumer):
    group_name = timer = None

    async def __call__(self, scope, receive, send):
        try:
            await super().__call__(scope, receive, send)
        except (RedisError, OperationalError, InterfaceError) as error:
            # One line, and no traceback: this happens to all of them at once.
            logger.warning("A socket was closed: %s", type(error).__name__)
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
        finally:
            # Not in `disconnect`: that is skipped where the browser vanishes in the
            # middle of a frame, or where Redis or the database fail us.
            await self.leave()

    async def dispatch(self, message):
        if message["type"] == "send_search_result":
            # Needs no database. For anything else the base class first looks after its
            # connections, in another thread.
            await self.send_search_result(message)
        else:
            await super().dispatch(message)

    async def connect(self):
        # Not by AuthMiddlewareStack, whose session and user would stay in memory for as
        # long as the socket. And they have to be looked up again and again anyway.
        self.session_key = session_key_of(self.scope)
        # Of the scope there are copies, all with the same list of headers.
        self.scope["headers"].clear()
        self.scope.clear()
        user = await database_sync_to_async(self.find_user)()
        if not user.is_authenticated:
            raise DenyConnection()
        self.user_id, self.group_name = user.pk, group_of(user.pk)
        sockets.inc()
        await self.channel_layer.group_add(self.group_name, self.channel_name)
        await self.accept()
        # After joining the group: what changes between the two comes twice, not never.
        await self.send_data(await database_sync_to_async(snapshot_of)(user))
        self.check_later()

    def find_user(self):
        """Who the session's user is by now; nobody, if it has ended."""
        request = HttpRequest()
        request.session = SessionStore(self.session_key)
        return get_user(request)

    async def leave(self):
        if self.timer:
            self.timer.cancel()
        if self.group_name:
            group_name, self.group_name = self.group_name, None
            sockets.dec()
            with suppress(RedisError):  # its connection ended, and what it had with it
                await self.channel_layer.group_discard(group_name, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        # The page sends nothing. Whoever does, is no page of ours.
        await self.close(POLICY_VIOLATION)
        raise StopConsumer()  # and does not read what else there is

    async def send_search_result(self, event):
        data = event["data"]
        await self.send_data(data)
        if data.get("status") in (Status.DONE, Status.FAILED):
            logger.info(
                "stage 6 · consumer · %.8s · frame sent to %s",
                data["task_id"],
                self.group_name,
            )

    async def send_data(self, data):
        try:
            async with asyncio.timeout(PATIENCE):
                await self.send(text_data=json.dumps(data))
        except TimeoutError:
            # It reads nothing, not even a goodbye, and its news would pile up here.
            raise StopConsumer() from None

    async def close_socket(self, event):
        if event["session"] in (None, digest(self.session_key)):
            await self.close(SIGNED_OUT)

    def check_later(self):
        """Django looks at the session with each request. A socket is one for hours."""
        loop = asyncio.get_running_loop()
        self.timer = loop.call_later(settings.SOCKET_CHECK_SECONDS, self.check_now)

    def check_now(self):
        self.timer = asyncio.ensure_future(self.check())

    async def check(self):
        try:
            user = await database_sync_to_async(self.find_user)()
            may_stay = user.pk == self.user_id
        except Exception as error:
            # As far as anybody knows. It is asked again the next time.
            logger.warning("A socket was not checked: %s", type(error).__name__)
            may_stay = True
        if not self.group_name:
            return  # it left meanwhile
        if may_stay:
            self.check_later()
        else:
            await self.close(SIGNED_OUT)


def session_key_of(scope):
    cookies = parse_cookie(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))
    return cookies.get(settings.SESSION_COOKIE_NAME)
