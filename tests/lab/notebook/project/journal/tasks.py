from celery import shared_task
from django.conf import settings
from openai import OpenAI, OpenAIError

from .models import Answer, Question


@shared_task(bind=True, max_retries=3)
def answer_question(self, question_id):
    question = Question.objects.get(pk=question_id)
    try:
        with OpenAI(max_retries=0, timeout=60) as client:
            response = client.responses.create(
                model=settings.OPENAI_MODEL, input=question.text
            )
    except OpenAIError as error:
        if self.request.retries < self.max_retries:
            raise self.retry(exc=error, countdown=2**self.request.retries) from error
        Answer.objects.create(
            question=question, text="The service did not answer.", failed=True
        )
        return
    Answer.objects.create(question=question, text=response.output_text)
