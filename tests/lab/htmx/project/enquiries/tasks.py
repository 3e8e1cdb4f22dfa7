from celery import shared_task
from django.conf import settings
from django.utils import timezone
from openai import OpenAI

from .models import Enquiry
from .signals import enquiry_answered


@shared_task
def answer_enquiry(enquiry_id):
    enquiry = Enquiry.objects.get(pk=enquiry_id)
    response = OpenAI().responses.create(
        model=settings.OPENAI_MODEL,
        input=enquiry.question,
    )
    enquiry.answer = response.output_text
    enquiry.answered_at = timezone.now()
    enquiry.save(update_fields=["answer", "answered_at"])
    enquiry_answered.send(sender=Enquiry, enquiry=enquiry)
