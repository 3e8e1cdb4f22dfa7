from channels.generic.websocket import AsyncJsonWebsocketConsumer

from .guests import group_for, guest_from_cookies


class BoardConsumer(AsyncJsonWebsocketConsumer):
    group = None

    async def connect(self):
        guest = guest_from_cookies(self.scope["cookies"])
        if guest is None:
            await self.close()
            return
        self.group = group_for(guest)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def answer_ready(self, event):
        await self.send_json(["answer", *event["row"]])
