"""The channel layer, which subscribes again where its connection was being restored."""

import asyncio

from channels_redis.pubsub import RedisPubSubChannelLayer

# Seconds before each further attempt: as long as a connection takes to be restored.
PAUSES = (0.1, 0.3, 1.0)


class RestoringChannelLayer(RedisPubSubChannelLayer):
    """After Redis restarts, a new socket joins late instead of being refused.

    redis-py's receiver and a subscription may both find the connection broken, and
    restore it at the same time. asyncio refuses the second reader with RuntimeError.
    """

    async def new_channel(self, *arguments):
        return await self._again("new_channel", *arguments)

    async def group_add(self, *arguments):
        return await self._again("group_add", *arguments)

    async def _again(self, name, *arguments):
        for pause in PAUSES:
            try:
                return await getattr(self._get_layer(), name)(*arguments)
            except RuntimeError:
                await asyncio.sleep(pause)
        return await getattr(self._get_layer(), name)(*arguments)
