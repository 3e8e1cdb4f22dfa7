from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from .groups import group_for
from .signals import answer_piece, answer_saved, answer_started


def relay(kind):
    """Build a receiver that broadcasts a signal as a frame of this kind."""

    def broadcast(sender, inquiry, signal, **extra):
        search = {
            "id": inquiry.pk,
            "question": inquiry.question,
            "status": inquiry.status,
        }
        async_to_sync(get_channel_layer().group_send)(
            group_for(inquiry.asker_id),
            {
                "type": "desk.frame",
                "event": {"kind": kind, "payload": {"search": search, **extra}},
            },
        )

    return broadcast


for kind, signal in (
    ("start", answer_started),
    ("delta", answer_piece),
    ("end", answer_saved),
):
    signal.connect(relay(kind), weak=False)
