from django.http import JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from .forms import InquiryForm
from .tasks import answer_inquiry


@require_safe
def desk(request):
    return render(
        request,
        "inquiry/desk.html",
        {"form": InquiryForm(), "earlier": request.user.inquiries.all()[:5]},
    )


@require_POST
def ask(request):
    form = InquiryForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)
    inquiry = form.save(commit=False)
    inquiry.asker = request.user
    inquiry.save()
    answer_inquiry.delay(inquiry.pk)
    return JsonResponse({"id": inquiry.pk}, status=202)
