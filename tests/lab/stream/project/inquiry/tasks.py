import logging

from celery import shared_task
from django.conf import settings
from django.utils import timezone
from openai import OpenAI, OpenAIError

from .models import Inquiry
from .signals import answer_piece, answer_saved, answer_started

logger = logging.getLogger(__name__)


@shared_task
def answer_inquiry(inquiry_id):
    inquiry = Inquiry.objects.get(pk=inquiry_id)
    answer_started.send(sender=Inquiry, inquiry=inquiry)
    pieces = []
    try:
        for event in OpenAI().responses.create(
            model=settings.ANSWER_MODEL, input=inquiry.question, stream=True
        ):
            if event.type == "response.output_text.delta":
                pieces.append(event.delta)
                answer_piece.send(sender=Inquiry, inquiry=inquiry, delta=event.delta)
    except OpenAIError:
        logger.exception("No answer to inquiry %s", inquiry.pk)
        inquiry.status = Inquiry.Status.FAILED
    else:
        inquiry.status = Inquiry.Status.ANSWERED
    inquiry.answer = "".join(pieces)
    inquiry.answered_at = timezone.now()
    inquiry.save()
    answer_saved.send(sender=Inquiry, inquiry=inquiry)
