from channels.generic.websocket import AsyncJsonWebsocketConsumer


class VerlaufConsumer(AsyncJsonWebsocketConsumer):
    gruppe = None

    async def connect(self):
        schluessel = self.scope["session"].session_key
        if not schluessel:
            await self.close()
            return
        self.gruppe = f"verlauf_{schluessel}"
        await self.channel_layer.group_add(self.gruppe, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        if self.gruppe:
            await self.channel_layer.group_discard(self.gruppe, self.channel_name)

    async def eintrag_neu(self, ereignis):
        await self.send_json(ereignis["zeile"])
