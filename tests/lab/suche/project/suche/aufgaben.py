from celery import shared_task
from django.conf import settings
from openai import OpenAI

from .models import Eintrag
from .signale import frage_beantwortet


@shared_task
def frage_beantworten(frage, sitzung):
    antwort = OpenAI().responses.create(
        model=settings.OPENAI_MODELL,
        instructions="Antworte knapp und in der Sprache der Frage.",
        input=frage,
    )
    eintrag = Eintrag.objects.create(
        sitzung=sitzung,
        frage=frage,
        antwort=antwort.output_text,
    )
    frage_beantwortet.send(sender=Eintrag, eintrag=eintrag)
