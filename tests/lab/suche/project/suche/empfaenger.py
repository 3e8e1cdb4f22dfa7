from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.dispatch import receiver

from .models import Eintrag
from .signale import frage_beantwortet


@receiver(frage_beantwortet, sender=Eintrag)
def verlauf_melden(sender, eintrag, **kwargs):
    kanaele = get_channel_layer()
    async_to_sync(kanaele.group_send)(
        f"verlauf_{eintrag.sitzung}",
        {"type": "eintrag.neu", "zeile": eintrag.als_zeile()},
    )
