from asgiref.sync import async_to_sync
from channels.generic.websocket import JsonWebsocketConsumer
from django.http import QueryDict

from .groups import answers_group
from .models import Answer


class AnswerConsumer(JsonWebsocketConsumer):
    group = None

    def connect(self):
        user = self.scope["user"]
        if not user.is_authenticated:
            self.close()
            return
        self.group = answers_group(user.pk)
        async_to_sync(self.channel_layer.group_add)(self.group, self.channel_name)
        self.accept()
        self.send_finished(user)

    def disconnect(self, code):
        if self.group:
            async_to_sync(self.channel_layer.group_discard)(
                self.group, self.channel_name
            )

    def send_finished(self, user):
        pending = QueryDict(self.scope["query_string"]).getlist("pending")
        answers = Answer.objects.filter(
            question__asker=user,
            question__in=[pk for pk in pending if pk.isdecimal()],
        )
        for answer in answers:
            self.send_json(answer.as_message())

    def answer_ready(self, event):
        self.send_json(event["message"])
