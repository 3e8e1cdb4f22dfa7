from django.contrib.messages.views import SuccessMessageMixin
from django.urls import reverse_lazy
from django.views.generic import FormView, ListView, TemplateView

from .aufgaben import frage_beantworten
from .forms import FrageForm
from .models import Eintrag


class SitzungMixin:
    """Sorgt dafür, dass jeder Gast einen Sitzungsschlüssel hat."""

    def dispatch(self, request, *args, **kwargs):
        if not request.session.session_key:
            request.session.create()
        return super().dispatch(request, *args, **kwargs)


class StartView(TemplateView):
    template_name = "suche/start.html"


class SucheView(SitzungMixin, SuccessMessageMixin, FormView):
    template_name = "suche/suche.html"
    form_class = FrageForm
    success_url = reverse_lazy("suche:verlauf")
    success_message = "Die Suche läuft. Die Antwort erscheint gleich in der Tabelle."

    def form_valid(self, form):
        frage_beantworten.delay(
            frage=form.cleaned_data["frage"],
            sitzung=self.request.session.session_key,
        )
        return super().form_valid(form)


class VerlaufView(SitzungMixin, ListView):
    template_name = "suche/verlauf.html"
    context_object_name = "eintraege"

    def get_queryset(self):
        return Eintrag.objects.filter(sitzung=self.request.session.session_key)
