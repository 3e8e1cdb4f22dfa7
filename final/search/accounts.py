"""Accounts beside guests: who signs up or logs in takes the guest's searches along."""

from django.contrib.auth import get_user_model, login
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.views import LoginView
from django.db import IntegrityError, transaction
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from .guests import BACKEND, is_guest
from .limits import wait_for_turn


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request):
    if request.user.is_authenticated and not is_guest(request.user):
        return redirect("openai_index")
    # The guest becomes the account: the same user, with a name and a password.
    guest = get_user_model().objects.filter(pk=request.user.pk).first()
    data = request.POST if request.method == "POST" else None
    form = UserCreationForm(data, instance=guest, initial={"username": ""})
    if user := form.is_valid() and save(form):
        login(request, user, BACKEND)
        return redirect("openai_index")
    status = 400 if form.is_bound else 200
    return render(request, "registration/sign_up.html", {"form": form}, status=status)


def save(form):
    """The user; None where somebody has taken the name since the form was checked."""
    try:
        with transaction.atomic():
            return form.save()
    except IntegrityError:
        form.add_error("username", "A user with that username already exists.")
        return None


class LogIn(LoginView):
    def form_valid(self, form):
        guest = self.request.user if is_guest(self.request.user) else None
        with transaction.atomic():
            if guest:
                wait_for_turn(guest)  # or a search asked meanwhile would be deleted
            response = super().form_valid(form)
            if guest:
                guest.search_results.update(user=form.get_user())
                guest.delete()
        return response
