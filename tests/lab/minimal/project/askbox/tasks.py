from celery import shared_task
from openai import OpenAI

from askbox.models import Result
from askbox.signals import answered


@shared_task
def answer_question(question, session_key):
    response = OpenAI().responses.create(model="gpt-4o-mini", input=question)
    result = Result.objects.create(
        session_key=session_key,
        question=question,
        answer=response.output_text,
    )
    answered.send(sender=Result, result=result)
