from django.http import JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from .forms import SearchForm
from .tasks import answer_search


@require_safe
def index(request):
    return render(request, "searches/index.html", {"form": SearchForm()})


@require_POST
def start_search(request):
    form = SearchForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)

    search = form.save()
    answer_search.delay(str(search.pk))
    return JsonResponse({"id": search.pk}, status=202)
