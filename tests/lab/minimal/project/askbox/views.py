from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import render

from askbox.models import Result
from askbox.tasks import answer_question


def index(request):
    if not request.session.session_key:
        request.session.create()
    if request.method != "POST":
        return render(request, "index.html")
    question = request.POST.get("question", "").strip()
    if not question:
        return HttpResponseBadRequest("Please type a question.")
    answer_question.delay(question, request.session.session_key)
    return HttpResponse("Search has started!", status=202)


def results(request):
    mine = Result.objects.filter(session_key=request.session.session_key)
    return JsonResponse({"results": list(mine.values("question", "answer"))})
