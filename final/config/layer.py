"""The channel layer: notices a dead connection to Redis, and subscribes again."""

import asyncio
import logging
import time
import uuid
from contextlib import suppress

from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings

from search.health import silent

logger = logging.getLogger("search.layer")

# Seconds before each retry, so that a connection has time to be restored.
PAUSES = (0.1, 0.3, 1.0)
HEARS_WITHIN = 3  # seconds: a heartbeat usually takes a few milliseconds
AT_ONCE = 16  # messages that a process sends in parallel, each on its own connection
REFRESHED_PER_SECOND = 100  # sockets; more at once could overload the database


class RestoringChannelLayer(RedisPubSubChannelLayer):
    """Sends heartbeats to its own process through Redis, and waits for them.

    A network path to Redis can freeze without closing. Then a subscription never
    receives anything again, and neither Redis nor redis-py notices.

    After Redis restarts, redis-py's receiver and a new subscription may both restore
    the same connection. asyncio rejects the second reader with RuntimeError, and the
    layer retries.
    """

    async def new_channel(self, prefix="specific."):
        layer = self._get_layer()
        if not hasattr(layer, "watches"):
            layer.watches = [Watch(self, layer, shard) for shard in layer._shards]
            silent.set_function(lambda: max(w.silence for w in layer.watches))
        channel = f"{layer.prefix}{prefix}{uuid.uuid4().hex}"
        # Nobody knows this name yet, so no message can arrive before the queue exists.
        await self._again(layer._get_shard(channel).subscribe, channel)
        layer.channels[channel] = asyncio.Queue()
        return channel

    async def group_add(self, group, channel):
        await self._again(self._get_layer().group_add, group, channel)

    async def group_send(self, group, message):
        # To publish a message, channels-redis holds its subscription lock until Redis
        # has responded. If this method did the same, thousands of searches would queue.
        layer = self._get_layer()
        if not hasattr(layer, "sending"):
            layer.sending = asyncio.Semaphore(AT_ONCE)
        name = layer._get_group_channel_name(group)
        shard = layer._get_shard(name)
        shard._ensure_redis()
        async with layer.sending:
            await shard._redis.publish(name, self.serialize(message))

    async def group_discard(self, group, channel):
        """Leave the group, and remove the channel, because its consumer ends.

        Channels removes the channel itself, except after an exception in one of the
        consumer's handlers.
        """
        layer = self._get_layer()
        layer.channels.pop(channel, None)
        await self._again(layer.group_discard, group, channel)
        await self._again(layer._get_shard(channel).unsubscribe, channel)

    async def _again(self, function, *arguments):
        for pause in PAUSES:
            try:
                return await function(*arguments)
            except RuntimeError:
                await asyncio.sleep(pause)
        return await function(*arguments)


class Watch:
    """Sends heartbeats on one of the layer's connections, and listens for them."""

    def __init__(self, backend, layer, shard):
        self.backend, self.layer, self.shard = backend, layer, shard
        self.channel = f"{layer.prefix}.heartbeat.{uuid.uuid4().hex}"
        self.beats = layer.channels[self.channel] = asyncio.Queue()
        self.heard_at = time.monotonic()
        self.has_missed = False  # whether messages may have been lost
        self.task = asyncio.ensure_future(self.listen())

    @property
    def silence(self):
        """Seconds since the last heartbeat; 0 while the heartbeats are on time."""
        age = time.monotonic() - self.heard_at
        return age if age > settings.REDIS_HEARTBEAT_SECONDS + HEARS_WITHIN else 0.0

    async def listen(self):
        # Catch every error: if this loop ended, nothing would notice a dead connection.
        while True:
            try:
                async with asyncio.timeout(HEARS_WITHIN):
                    await self.hear()
                self.heard_at = time.monotonic()
                if self.has_missed:
                    self.has_missed = False
                    self.refresh()
            except Exception as error:
                await self.miss(error)
            await asyncio.sleep(settings.REDIS_HEARTBEAT_SECONDS)

    async def hear(self):
        await self.shard.subscribe(self.channel)
        # When redis-py reconnects, messages sent in the meantime are lost.
        connection = self.shard._pubsub.connection
        connection.register_connect_callback(self.on_connect)
        await self.shard.publish(self.channel, b"")
        await self.beats.get()

    async def miss(self, error):
        if not any(watch.has_missed for watch in self.layer.watches):
            logger.warning("No messages arrive from Redis (%s)", type(error).__name__)
        self.has_missed = True
        # The failure is logged above. The next heartbeat tries again.
        with suppress(Exception):
            async with asyncio.timeout(HEARS_WITHIN):
                await self.subscribe_again()

    async def on_connect(self, connection):
        self.has_missed = True

    async def subscribe_again(self):
        """Replace the connection for subscriptions with a new one."""
        shard = self.shard
        async with shard._lock:
            if shard._redis is None:
                return
            # Skip the groups and channels of consumers that ended while Redis was down.
            shard._subscribed_to &= {*self.layer.channels, *self.layer.groups}
            fresh = shard._redis.pubsub()
            await fresh.subscribe(*shard._subscribed_to, self.channel)
            dead, shard._pubsub = shard._pubsub, fresh
        if dead and dead.connection:
            await dead.connection.disconnect(nowait=True)

    def refresh(self):
        """Make each socket send a snapshot, because messages may have been lost."""
        if any(watch.has_missed for watch in self.layer.watches):
            return  # refresh the sockets only after all connections have recovered
        logger.warning("Messages arrive from Redis again: pages get a new snapshot")
        event = self.backend.serialize({"type": "send_snapshot"})
        loop = asyncio.get_running_loop()
        joined = set().union(*self.layer.groups.values())
        for number, name in enumerate(joined):
            loop.call_later(number / REFRESHED_PER_SECOND, self.put, name, event)

    def put(self, name, event):
        if queue := self.layer.channels.get(name):
            queue.put_nowait(event)
