import json

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer

from .groups import group_for


class DeskConsumer(AsyncConsumer):
    group = None

    async def websocket_connect(self, message):
        user = self.scope["user"]
        if not user.is_authenticated:
            await self.send({"type": "websocket.close"})
            return
        self.group = group_for(user.pk)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.send({"type": "websocket.accept"})

    async def websocket_receive(self, message):
        if message.get("text") == "ping":
            await self.push({"kind": "pong", "payload": {}})

    async def websocket_disconnect(self, message):
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)
        raise StopConsumer

    async def desk_frame(self, message):
        await self.push(message["event"])

    async def push(self, event):
        await self.send(
            {"type": "websocket.send", "text": json.dumps({"event": event})}
        )
