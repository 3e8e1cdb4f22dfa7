"""Stage 2 · view: takes the question, hands the work to Celery, and responds."""

import logging
import time
import uuid
from datetime import timedelta
from itertools import chain
from math import ceil

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from kombu.exceptions import OperationalError

from .errors import wants_json
from .forms import SearchForm
from .guests import sign_in_as_guest
from .handlers import broadcast
from .health import ended
from .models import SHOWN, SearchResult, Status, snapshot_of
from .tasks import fetch_openai_results_task

logger = logging.getLogger(__name__)

WINDOW = timedelta(minutes=1)  # the period of the rate limit, which keeps costs low
SILENT_FOR = 3  # after Redis has failed, send no message for this many seconds
_silent_until = 0.0


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def openai_index(request):
    if request.method == "POST":
        return ask(request, SearchForm(request.POST))
    if wants_json(request):
        return tell(request)
    return show(request, SearchForm(initial={"task_id": uuid.uuid4()}))


def tell(request):
    """Send the state of the user's searches to a page that may have missed messages."""
    try:
        waiting = [uuid.UUID(text) for text in request.GET.getlist("waiting")]
    except ValueError:
        return JsonResponse({"error": "waiting=… must name a search."}, status=400)
    return JsonResponse(snapshot_of(request.user, waiting))


def ask(request, form):
    if not form.is_valid():
        return refuse(request, form, 400)
    if not request.user.is_authenticated:
        sign_in_as_guest(request)
    task_id, query = form.cleaned_data["task_id"], form.cleaned_data["query"]
    search, wait = start(request.user, task_id, query)
    if wait:
        words = f"You have reached the limit. Try again in {wait} seconds."
        form.add_error(None, words)
        return refuse(request, form, 429, {"Retry-After": wait})
    # A form that is sent twice, by a double click or by a reload, starts one search.
    # Both times, the question and the user must be the same: the visitor may have
    # signed in or out.
    if not search or search.user_id != request.user.id or search.query != query:
        # With this new id, the form starts a new search when it is sent again.
        form = SearchForm({"query": query, "task_id": uuid.uuid4()})
        form.add_error(None, "This form has already been used. Press Search again.")
        return refuse(request, form, 409)
    notice = "Search has started!"
    if search.has_ended:
        notice = "You have already asked this. See the result below."
    return accept(request, search, notice)


def start(user, task_id, query):
    """Return the search (or None), and the seconds that the user has to wait."""
    try:
        with transaction.atomic():
            wait_for_turn(user)
            if wait := seconds_to_wait(user):
                search = SearchResult.objects.filter(task_id=task_id).first()
                return search, 0 if search else wait
            search = user.search_results.create(task_id=task_id, query=query)
            logger.info(
                "stage 2 · view · %.8s · user_%s asks: %s", task_id, user.id, query
            )
            # Send the message after the commit, so that the worker finds the row.
            transaction.on_commit(lambda: send_message(search))
    except IntegrityError:
        # The form was sent before, or a login has just deleted this guest user.
        search = SearchResult.objects.filter(task_id=task_id).first()
    return search, 0


def wait_for_turn(user):
    """Lock the user: only one transaction at a time can start a search for a user.

    Otherwise, questions that arrive at once could exceed the limit. SQLite has no
    row locks, but it has one writing transaction at a time anyway.
    """
    users = get_user_model().objects.filter(pk=user.pk)
    users.select_for_update(no_key=True).exists()


def seconds_to_wait(user):
    """Return how many seconds the user has to wait before another search, or 0."""
    # Use the database's clock, which also wrote `created_at`.
    recent = user.search_results.filter(created_at__gt=Now() - WINDOW)
    # The wait ends when the oldest of the allowed searches leaves the window.
    last = settings.SEARCHES_PER_MINUTE - 1
    if asked_at := recent.values_list("created_at", flat=True)[last:].first():
        left = ceil((asked_at + WINDOW - now()).total_seconds())
        return min(max(1, left), WINDOW.seconds)
    return 0


def send_message(search):
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    if _silent_until:
        # After a failure, only one visitor at a time waits for Redis.
        _silent_until = time.monotonic() + SILENT_FOR
    try:
        fetch_openai_results_task.apply_async(
            kwargs={"query": search.query, "user_id": search.user_id},
            task_id=str(search.task_id),
        )
    except OperationalError as error:
        # Nothing is lost: workers also look for searches without a message.
        _silent_until = time.monotonic() + SILENT_FOR
        kind = type(error.__cause__ or error).__name__
        logger.warning("stage 3 · queue · %.8s · not sent: %s", search.task_id, kind)
    else:
        _silent_until = 0.0
        logger.info(
            "stage 3 · queue · %.8s · the message waits in Redis", search.task_id
        )


@never_cache
@require_POST
def cancel(request, task_id):
    """Stop a search that has not ended."""
    search = get_object_or_404(SearchResult.objects.of(request.user), task_id=task_id)
    notice = "That search had already ended."
    try:
        is_cancelled = search.cancel()
    except SearchResult.DoesNotExist:  # it has been deleted with its user
        raise Http404 from None
    if is_cancelled:
        ended.labels(Status.CANCELLED).inc()
        notice = "The search was cancelled."
        try:
            async_to_sync(broadcast)(search.user_id, search.state())
        except Exception as error:
            # The user's other pages get the change with their next snapshot.
            logger.warning("%.8s · not pushed: %s", task_id, type(error).__name__)
    return accept(request, search, notice)


def show(request, form, status=200, headers=None):
    """Respond with the page: the form, and the user's searches, newest first."""
    pages = Paginator(SearchResult.objects.of(request.user), SHOWN)
    context = {
        "form": form,
        "results": pages.get_page(request.GET.get("page")),
        # The page's script copies the HTML of this search for each new search.
        "blank": SearchResult(pk=0, task_id=uuid.UUID(int=0), created_at=now()),
    }
    template = "search/openai_index.html"
    return TemplateResponse(request, template, context, status=status, headers=headers)


def accept(request, search, notice):
    if not wants_json(request):
        messages.success(request, notice)
        return redirect("openai_index")
    data = {
        "notice": notice,
        "user": request.user.id,
        "search": search.state(),
        "next_task_id": uuid.uuid4(),
    }
    return JsonResponse(data, status=202)


def refuse(request, form, status, headers=None):
    if not wants_json(request):
        return show(request, form, status, headers)
    data = {"error": " ".join(chain.from_iterable(form.errors.values()))}
    if status == 409:
        data["next_task_id"] = form.data["task_id"]
    return JsonResponse(data, status=status, headers=headers)
