import json

from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import JsonResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from .models import Question
from .tasks import answer_question


@method_decorator(ensure_csrf_cookie, name="dispatch")
class DeskView(LoginRequiredMixin, ListView):
    template_name = "assistant/desk.html"
    context_object_name = "questions"

    def get_queryset(self):
        return Question.objects.filter(user=self.request.user)[:20]


@login_required
@require_POST
def ask(request):
    try:
        payload = json.loads(request.body)
    except ValueError:
        return JsonResponse({"error": "This is not JSON."}, status=400)
    text = payload.get("question", "").strip()
    if not text:
        return JsonResponse({"error": "Type a question first."}, status=400)
    question = Question.objects.create(user=request.user, text=text)
    answer_question.delay_on_commit(question.pk)
    return JsonResponse(question.as_dict(), status=202)
