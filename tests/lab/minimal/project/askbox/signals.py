from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.dispatch import Signal, receiver

answered = Signal()


@receiver(answered)
def push_answer(result, **kwargs):
    async_to_sync(get_channel_layer().group_send)(
        f"s_{result.session_key}",
        {
            "type": "answer.ready",
            "result": {"question": result.question, "answer": result.answer},
        },
    )
