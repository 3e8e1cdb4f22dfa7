"""Accounts: a guest who signs up or logs in keeps the searches of this visit."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model, login, logout, views
from django.contrib.auth.decorators import login_required, user_passes_test
from django.contrib.auth.forms import UserCreationForm
from django.db import IntegrityError, transaction
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from .guests import BACKEND, is_guest
from .models import Guest
from .views import wait_for_turn


class SignUpForm(UserCreationForm):
    class Meta(UserCreationForm.Meta):
        fields = ("username", "email")
        help_texts = {"email": "Optional. With it, you can reset your password."}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request):
    if request.user.is_authenticated and not is_guest(request.user):
        return redirect("openai_index")
    # The guest becomes the account: the same user, with a name and a password.
    guest = get_user_model().objects.filter(pk=request.user.pk).first()
    form = SignUpForm(request.POST or None, instance=guest, initial={"username": ""})
    if user := form.is_valid() and save(form):
        login(request, user, BACKEND)
        return redirect("openai_index")
    return show(request, "registration/sign_up.html", form, "Sign up")


def save(form):
    """Save the user. Return None if the name has been taken since the check."""
    try:
        with transaction.atomic():
            user = form.save()
            Guest.objects.filter(user=user).delete()
            return user
    except IntegrityError:
        form.add_error("username", "A user with that username already exists.")
        return None


class LogIn(views.LoginView):
    extra_context = {"title": "Log in", "sends_mail": settings.SENDS_MAIL}

    def form_valid(self, form):
        guest = self.request.user
        if not is_guest(guest):
            return super().form_valid(form)
        with transaction.atomic():
            wait_for_turn(guest)  # so that guest.delete() cannot delete a new search
            response = super().form_valid(form)
            guest.search_results.update(user=form.get_user())
            guest.delete()
        return response


# A guest has no password to change.
has_password = user_passes_test(
    lambda user: user.has_usable_password(), "openai_index", redirect_field_name=None
)
change_password = login_required(has_password(views.PasswordChangeView.as_view()))

# The link does not use the Host header, which any client can choose.
reset_password = views.PasswordResetView.as_view(
    extra_email_context={"origin": settings.SITE_ORIGINS[0]}
)


class DeleteForm(forms.Form):
    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, user, data=None):
        super().__init__(data)
        self.user = user
        if not user.has_usable_password():
            del self.fields["password"]

    def clean_password(self):
        if not self.user.check_password(self.cleaned_data["password"]):
            raise forms.ValidationError("That is not your password.")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_account(request):
    """Delete the user and the user's searches. Running searches are stopped."""
    form = DeleteForm(request.user, request.POST or None)
    if form.is_valid():
        user = request.user
        logout(request)
        user.delete()
        messages.success(request, "Your account and your searches were deleted.")
        return redirect("openai_index")
    return show(request, "registration/delete.html", form, "Delete your account")


def show(request, template, form, title):
    status = 400 if form.is_bound else 200
    return render(request, template, {"form": form, "title": title}, status=status)
