from celery import shared_task
from django.conf import settings
from django.utils import timezone
from openai import OpenAI

from .models import Search
from .signals import search_answered


@shared_task(name="searches.answer")
def answer_search(search_id):
    search = Search.objects.get(pk=search_id)
    if search.answer:
        return

    response = OpenAI().responses.create(
        model=settings.OPENAI_MODEL,
        input=search.question,
    )
    search.answer = response.output_text
    search.answered_at = timezone.now()
    search.save(update_fields=["answer", "answered_at"])

    search_answered.send(sender=Search, search=search)
