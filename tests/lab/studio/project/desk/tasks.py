from asgiref.sync import async_to_sync
from celery import shared_task
from django.conf import settings
from openai import OpenAI

from .models import Question
from .signals import answer_ready

PROMPT = """You answer questions for a radio show about {topic}.
Your listeners: {audience}.

{prompt_text}"""


@shared_task
def answer_question(job):
    response = OpenAI().responses.create(
        model=settings.ANSWER_MODEL,
        input=PROMPT.format(**job),
    )
    question = Question.objects.get(pk=job["id"])
    question.answer = response.output_text
    question.save(update_fields=["answer"])
    async_to_sync(answer_ready.asend)(sender=Question, question=question)
