from asgiref.sync import sync_to_async
from django.http import JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from .forms import NewsletterForm, QuestionForm
from .guests import guest_from_cookies, new_guest, remember_guest
from .models import Question, Subscriber
from .tasks import answer_question


@require_GET
async def board(request):
    guest = guest_from_cookies(request.COOKIES) or new_guest()
    answered = Question.objects.filter(guest=guest).exclude(answer="")
    context = {
        "question_form": QuestionForm(),
        "newsletter_form": NewsletterForm(),
        "questions": [question async for question in answered],
        "subscribed": "subscribed" in request.GET,
    }
    response = render(request, "desk/board.html", context)
    remember_guest(response, guest)
    return response


@require_POST
async def ask(request):
    guest = guest_from_cookies(request.COOKIES)
    if guest is None:
        return JsonResponse({"error": "Please reload the page first."}, status=403)
    form = QuestionForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"error": "Please fill in every field."}, status=400)
    form.instance.guest = guest
    question = await sync_to_async(form.save)()
    job = {
        "id": question.pk,
        "topic": question.get_topic_display(),
        "audience": question.get_audience_display(),
        "prompt_text": question.prompt_text,
    }
    await sync_to_async(answer_question.delay)(job)
    return JsonResponse({"id": question.pk}, status=202)


@require_POST
async def subscribe(request):
    form = NewsletterForm(request.POST)
    if not form.is_valid():
        return redirect("desk:board")
    await Subscriber.objects.aget_or_create(email=form.cleaned_data["email"])
    return redirect(reverse("desk:board") + "?subscribed")
