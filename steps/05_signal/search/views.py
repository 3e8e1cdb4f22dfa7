"""Stage 2 · view: takes the question, hands the work to Celery, and responds."""

import logging

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from .forms import SearchForm
from .guests import sign_in_as_guest
from .tasks import fetch_openai_results_task

logger = logging.getLogger(__name__)


@require_http_methods(["GET", "HEAD", "POST"])
def openai_index(request):
    if not request.user.is_authenticated:
        sign_in_as_guest(request)

    form = SearchForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        query = form.cleaned_data["query"]
        # Logged before .delay(), so that the line appears even if .delay() fails.
        logger.info("stage 2 · view · - · user_%s asks: %s", request.user.id, query)
        task = fetch_openai_results_task.delay(query=query, user_id=request.user.id)
        logger.info("stage 3 · queue · %.8s · the message waits in Redis", task.id)
        messages.success(request, "Search has started!")
        return redirect("openai_index")

    status = 400 if form.is_bound else 200
    context = {"form": form, "results": request.user.search_results.all()[:20]}
    return render(request, "search/openai_index.html", context, status=status)
