from channels.generic.websocket import AsyncJsonWebsocketConsumer


class AnswerConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        group = f"s_{self.scope['session'].session_key}"
        await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()

    async def answer_ready(self, event):
        await self.send_json(event["result"])
