"""Stage 6 · consumer: holds a browser's WebSocket and forwards the group's messages."""

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from importlib import import_module

from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

from config.database import CONNECTION_ERRORS

from .guests import sign_in_as_guest
from .handlers import digest, group_of
from .health import sockets
from .models import Status, snapshot_of

logger = logging.getLogger(__name__)

# Seconds that a browser may take to read a frame.
PATIENCE = 20

POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013
# Applications may define the close codes from 4000 to 4999.
SIGNED_OUT = 4001


engine = import_module(settings.SESSION_ENGINE)
# By default, all sockets of a process share one thread, and wait for each other.
in_database = partial(
    database_sync_to_async,
    thread_sensitive=False,
    executor=ThreadPoolExecutor(8, "socket"),
)


class SearchConsumer(AsyncWebsocketConsumer):
    group_name = checks = None

    async def __call__(self, scope, receive, send):
        async def send_if_open(message):
            try:
                await send(message)
            except RuntimeError:
                # The server has already closed the socket, for example because the
                # client sent invalid frames.
                raise StopConsumer() from None

        try:
            await super().__call__(scope, receive, send_if_open)
        except (RedisError, *CONNECTION_ERRORS) as error:
            # Log one line, not a traceback: such an error affects all sockets at once.
            logger.warning("A socket was closed: %s", type(error).__name__)
            with suppress(StopConsumer):
                await send_if_open({"type": "websocket.close", "code": TRY_AGAIN_LATER})
        finally:
            # Do not move this to `disconnect`, which is not called if the browser
            # vanishes in the middle of a frame, or if Redis or the database fails.
            await self.leave()

    async def dispatch(self, message):
        if message["type"] == "send_search_result":
            # This message needs no database. For other messages, the base class first
            # closes old database connections in another thread. A process that skips
            # this sends 1.7 times as many frames per second.
            await self.send_search_result(message)
        else:
            await super().dispatch(message)

    async def connect(self):
        # Do not use AuthMiddlewareStack: its session and user would stay in memory as
        # long as the socket, which takes a third more memory. The check has to load
        # them again anyway.
        cookies = self.scope["cookies"]
        self.session_key = cookies.get(settings.SESSION_COOKIE_NAME)
        self.csrf_token = cookies.get(settings.CSRF_COOKIE_NAME)
        headers, user = [], await in_database(self.find_user)()
        if not user.is_authenticated:
            user, headers = await in_database(self.make_guest)()
        self.user_id, self.group_name = user.pk, group_of(user.pk)
        sockets.inc()
        await self.channel_layer.group_add(self.group_name, self.channel_name)
        await self.accept(headers=headers)
        # Join, then query: a change between the two arrives twice, but is not lost.
        await self.send_data(await in_database(snapshot_of)(user))
        self.checks = asyncio.create_task(self.check())

    def find_user(self):
        """Return the session's user, or AnonymousUser if the session has ended."""
        request = HttpRequest()
        request.session = session = engine.SessionStore(self.session_key)
        # An open socket cannot set a cookie. But Django would start a new session if
        # the old one was signed with a key in SECRET_KEY_FALLBACKS.
        session.cycle_key = session.flush = lambda: None
        user = get_user(request)
        # The session may have a new key by now; see sessions.py.
        self.session_key = session.session_key or self.session_key
        return user

    def make_guest(self):
        """Return a guest for a new visitor, and the headers that set the cookies."""
        request, response = HttpRequest(), HttpResponse()
        request.META["CSRF_COOKIE"] = self.csrf_token
        request.session = engine.SessionStore()
        guest = sign_in_as_guest(request)
        SessionMiddleware(lambda request: response).process_response(request, response)
        self.session_key = request.session.session_key
        cookies = [cookie.OutputString() for cookie in response.cookies.values()]
        return guest, [(b"set-cookie", cookie.encode()) for cookie in cookies]

    async def leave(self):
        if self.checks:
            self.checks.cancel()
        if self.group_name:
            group_name, self.group_name = self.group_name, None
            sockets.dec()
            with suppress(RedisError):  # the subscription ended with the connection
                await self.channel_layer.group_discard(group_name, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        # Our page sends nothing. A client that sends something is not our page.
        await self.close(POLICY_VIOLATION)
        raise StopConsumer()  # read nothing more

    async def send_search_result(self, event):
        data = event["data"]
        await self.send_data(data)
        if data.get("status") in (Status.DONE, Status.FAILED):
            words = "stage 6 · consumer · %.8s · frame sent to %s"
            logger.info(words, data["task_id"], self.group_name)

    async def send_snapshot(self, event):
        """Send the state from the database, because messages may have been lost."""
        user = await in_database(self.find_user)()
        if user.pk == self.user_id:
            await self.send_data(await in_database(snapshot_of)(user))

    async def send_data(self, data):
        try:
            async with asyncio.timeout(PATIENCE):
                await self.send(text_data=json.dumps(data))
        except TimeoutError:
            # The browser reads no frames, so messages would accumulate in memory.
            raise StopConsumer() from None

    async def close_socket(self, event):
        if event["session"] in (None, digest(self.session_key)):
            await self.close(SIGNED_OUT)

    async def check(self):
        """Check the session regularly: a socket is one request that lasts for hours."""
        while True:
            await asyncio.sleep(settings.SOCKET_CHECK_SECONDS)
            try:
                user = await in_database(self.find_user)()
            except Exception as error:
                # Keep the socket open: the check itself failed. The next one may work.
                logger.warning("A socket was not checked: %s", type(error).__name__)
                continue
            if user.pk != self.user_id:
                with suppress(StopConsumer):  # the server has closed it already
                    await self.close(SIGNED_OUT)
                return
