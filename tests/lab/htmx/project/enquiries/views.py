from uuid import uuid4

from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import reswap, retarget

from .forms import EnquiryForm
from .models import Enquiry
from .tasks import answer_enquiry


def get_visitor(request):
    return request.session.setdefault("visitor", uuid4().hex)


@require_GET
def notebook(request):
    enquiries = Enquiry.objects.filter(visitor=get_visitor(request))
    context = {"form": EnquiryForm(), "enquiries": enquiries}
    return render(request, "enquiries/notebook.html", context)


@require_POST
def ask(request):
    form = EnquiryForm(request.POST)
    if not form.is_valid():
        response = render(request, "enquiries/_form.html", {"form": form})
        return reswap(retarget(response, "#ask"), "outerHTML")

    enquiry = form.save(commit=False)
    enquiry.visitor = get_visitor(request)
    enquiry.save()
    answer_enquiry.delay(enquiry.pk)
    context = {"form": EnquiryForm(), "enquiry": enquiry}
    return render(request, "enquiries/_asked.html", context)
