"""Stage 6 · consumer: holds a browser's WebSocket and forwards the group's messages."""

import json
import logging

from asgiref.sync import async_to_sync
from channels.exceptions import DenyConnection
from channels.generic.websocket import WebsocketConsumer

logger = logging.getLogger(__name__)


class SearchConsumer(WebsocketConsumer):
    def connect(self):
        user = self.scope["user"]
        # Set before the refusal: Channels calls disconnect() after a refusal, too.
        self.group_name = f"user_{user.id}"
        if not user.is_authenticated:
            raise DenyConnection()
        async_to_sync(self.channel_layer.group_add)(self.group_name, self.channel_name)
        # Accept last: a browser whose socket is open is already in the group.
        self.accept()

    def disconnect(self, code):
        async_to_sync(self.channel_layer.group_discard)(
            self.group_name, self.channel_name
        )

    def send_search_result(self, event):
        self.send(text_data=json.dumps(event["data"]))
        logger.info(
            "stage 6 · consumer · %.8s · frame sent to %s",
            event["data"]["task_id"],
            self.group_name,
        )
