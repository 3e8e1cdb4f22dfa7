import json

from asgiref.sync import async_to_sync
from channels.generic.websocket import WebsocketConsumer

from .models import Search


class SearchConsumer(WebsocketConsumer):
    def connect(self):
        search_id = self.scope["url_route"]["kwargs"]["search_id"]
        self.group_name = f"search-{search_id}"
        async_to_sync(self.channel_layer.group_add)(self.group_name, self.channel_name)

        # Read the row after subscribing, so that no answer is missed in between.
        search = Search.objects.filter(pk=search_id).first()
        if search is None:
            self.close()
            return

        self.accept()
        if search.answer:
            self.send_answer(search.answer)

    def disconnect(self, code):
        async_to_sync(self.channel_layer.group_discard)(
            self.group_name, self.channel_name
        )

    def answer_ready(self, event):
        self.send_answer(event["answer"])

    def send_answer(self, answer):
        self.send(text_data=json.dumps({"answer": answer}))
