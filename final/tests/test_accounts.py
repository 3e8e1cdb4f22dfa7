"""Guests and users sign up, log in, change their password, and delete their account."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import UserCreationForm
from django.core import mail

from search.guests import is_guest
from search.models import SearchResult

pytestmark = pytest.mark.django_db

NEW = {"username": "grace", "password1": "Hopper-1906", "password2": "Hopper-1906"}


@pytest.fixture
def guest(client, sent):
    client.post("/", {"query": "Asked as a guest"})
    return get_user_model().objects.latest("pk")


def test_a_guest_who_signs_up_stays_the_same_user(client, guest):
    client.post("/accounts/sign-up/", NEW)
    account = get_user_model().objects.get()
    assert (account.pk, account.username) == (guest.pk, "grace")
    assert not is_guest(account)
    text = client.get("/").text
    assert "Asked as a guest" in text
    assert "grace" in text


def test_a_guest_who_logs_in_keeps_their_searches(client, user, guest):
    SearchResult.objects.create(user=user, query="Asked before")
    client.post("/accounts/login/", {"username": "ada", "password": "Lovelace-1"})
    text = client.get("/").text
    assert "Asked as a guest" in text
    assert "Asked before" in text
    assert not get_user_model().objects.filter(pk=guest.pk).exists()


def test_a_new_visitor_can_sign_up_and_log_in(client):
    client.post("/accounts/sign-up/", NEW)
    client.post("/accounts/logout/")
    login = {"username": "grace", "password": "Hopper-1906"}
    assert client.post("/accounts/login/", login).status_code == 302
    assert "grace" in client.get("/").text


@pytest.mark.parametrize(
    "wrong",
    [{"username": ""}, {"username": "ada"}, {"password2": "other"}],
)
def test_an_invalid_sign_up_changes_nothing(client, user, wrong):
    client.get("/")
    response = client.post("/accounts/sign-up/", NEW | wrong)
    assert response.status_code == 400
    assert "errorlist" in response.text
    assert not get_user_model().objects.filter(username="grace").exists()
    assert get_user_model().objects.get(username="ada") == user


def test_the_page_after_a_logout_does_not_show_earlier_questions(client, user):
    SearchResult.objects.create(user=user, query="A secret")
    client.force_login(user)
    assert "A secret" in client.get("/").text
    client.post("/accounts/logout/")
    assert "A secret" not in client.get("/").text


def test_a_user_without_a_password_is_not_a_guest(client):
    """Single sign-on creates users without a password."""
    client.force_login(get_user_model().objects.create_user(username="sso"))
    assert "Log out" in client.get("/").text
    client.post("/accounts/login/", {"username": "ada", "password": "Lovelace-1"})
    assert get_user_model().objects.filter(username="sso").exists()


def test_html_in_a_user_name_is_escaped(client):
    get_user_model().objects.create_user(username="<b>Bobby", password="x")
    client.force_login(get_user_model().objects.get())
    assert "&lt;b&gt;Bobby" in client.get("/").text


def test_a_sign_up_is_rejected_if_another_one_takes_the_name_first(
    client, user, monkeypatch
):
    monkeypatch.setattr(UserCreationForm, "clean_username", lambda form: "ada")
    monkeypatch.setattr(get_user_model(), "validate_unique", lambda *a, **options: None)
    response = client.post("/accounts/sign-up/", NEW)
    assert response.status_code == 400
    assert "already exists" in response.text
    assert "no-store" in response.headers["Cache-Control"]


def test_a_password_can_be_changed(client, user):
    client.force_login(user)
    assert "Delete your account" in client.get("/accounts/password_change/").text
    passwords = {"new_password1": "Byron-1788", "new_password2": "Byron-1788"}
    wrong = client.post(
        "/accounts/password_change/", passwords | {"old_password": "no"}
    )
    assert "errorlist" in wrong.text
    form = passwords | {"old_password": "Lovelace-1"}
    response = client.post("/accounts/password_change/", form, follow=True)
    assert "Your password was changed." in response.text
    assert "ada" in response.text
    user.refresh_from_db()
    assert user.check_password("Byron-1788")


def test_a_forgotten_password_can_be_reset_by_mail(client, user, settings):
    get_user_model().objects.filter(pk=user.pk).update(email="ada@example.org")
    assert "Forgot your password?" in client.get("/accounts/login/").text
    answers = [
        client.post("/accounts/password_reset/", {"email": address}, follow=True).text
        for address in ("ada@example.org", "nobody@example.org")
    ]
    assert all("If an account with this address exists" in answer for answer in answers)
    [message] = mail.outbox
    assert message.to == ["ada@example.org"]
    link = re.search(rf"{settings.SITE_ORIGINS[0]}(/accounts/reset/\S+)", message.body)
    form = client.get(link[1], follow=True)
    passwords = {"new_password1": "Byron-1788", "new_password2": "Byron-1788"}
    done = client.post(form.redirect_chain[-1][0], passwords, follow=True)
    assert "Your password was changed." in done.text
    user.refresh_from_db()
    assert user.check_password("Byron-1788")
    used = client.get(link[1], follow=True)
    assert "has expired or was already used" in used.text


def test_a_guest_cannot_change_a_password(client, guest):
    assert client.get("/accounts/password_change/").status_code == 302


def test_an_account_is_deleted_with_its_searches(client, user, search):
    client.force_login(user)
    wrong = client.post("/accounts/delete/", {"password": "no"})
    assert wrong.status_code == 400
    assert "That is not your password." in wrong.text
    assert SearchResult.objects.exists()
    response = client.post("/accounts/delete/", {"password": "Lovelace-1"}, follow=True)
    assert "were deleted" in response.text
    assert not SearchResult.objects.exists()
    assert not get_user_model().objects.filter(pk=user.pk).exists()
    assert "Log in" in client.get("/").text


def test_a_visitor_without_a_session_cannot_delete_an_account(client, user):
    assert (
        client.post("/accounts/delete/", {"password": "Lovelace-1"}).status_code == 302
    )
    assert get_user_model().objects.filter(pk=user.pk).exists()


def test_the_admin_is_off_by_default(client):
    assert client.get("/admin/").status_code == 404
