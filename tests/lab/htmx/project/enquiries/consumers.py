from channels.generic.websocket import AsyncWebsocketConsumer


class AnswerConsumer(AsyncWebsocketConsumer):
    group = None

    async def connect(self):
        visitor = await self.scope["session"].aget("visitor")
        if visitor is None:
            await self.close()
            return
        self.group = f"visitor-{visitor}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def answer_ready(self, event):
        await self.send(text_data=event["html"])
