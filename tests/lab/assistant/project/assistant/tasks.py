from celery import shared_task
from celery.utils.log import get_task_logger
from django.conf import settings
from openai import OpenAI, OpenAIError

from .models import Question
from .signals import question_settled

logger = get_task_logger(__name__)

PROMPT = "You are a helpful colleague. Answer in a few sentences.\n\n{question}"


@shared_task
def answer_question(question_id):
    question = Question.objects.get(pk=question_id)
    try:
        response = OpenAI().responses.create(
            model=settings.ASSISTANT_MODEL,
            input=PROMPT.format(question=question.text),
        )
    except OpenAIError:
        logger.exception("Question %s got no answer", question_id)
        question.status = Question.Status.FAILED
    else:
        question.answer = response.output_text
        question.status = Question.Status.ANSWERED
    question.save(update_fields=["answer", "status"])
    question_settled.send(sender=Question, question_id=question.pk)
