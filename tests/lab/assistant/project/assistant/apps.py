from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.apps import AppConfig


class AssistantConfig(AppConfig):
    name = "assistant"

    def ready(self):
        from .models import Question
        from .signals import question_settled

        def tell_the_desk(sender, question_id, **kwargs):
            question = Question.objects.get(pk=question_id)
            async_to_sync(get_channel_layer().group_send)(
                f"desk.{question.user_id}",
                {"type": "question.settled", "question": question.as_dict()},
            )

        question_settled.connect(
            tell_the_desk, weak=False, dispatch_uid="assistant.tell_the_desk"
        )
