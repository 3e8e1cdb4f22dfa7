from functools import partial

from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.messages.views import SuccessMessageMixin
from django.db import transaction
from django.urls import reverse_lazy
from django.views.generic import CreateView

from .forms import QuestionForm
from .tasks import answer_question


class AskView(LoginRequiredMixin, SuccessMessageMixin, CreateView):
    form_class = QuestionForm
    template_name = "journal/ask.html"
    success_url = reverse_lazy("ask")
    success_message = "The search has started. The answer will appear below."

    def form_valid(self, form):
        form.instance.asker = self.request.user
        response = super().form_valid(form)
        transaction.on_commit(partial(answer_question.delay, self.object.pk))
        return response

    def get_context_data(self, **kwargs):
        questions = self.request.user.questions.select_related("answer")
        return super().get_context_data(questions=questions, **kwargs)
