"""A guest who signs up or logs in keeps the searches of this visit."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import UserCreationForm

from search.guests import is_guest
from search.models import SearchResult

pytestmark = pytest.mark.django_db

NEW = {"username": "grace", "password1": "Hopper-1906", "password2": "Hopper-1906"}


@pytest.fixture
def guest(client):
    client.get("/")
    guest = get_user_model().objects.latest("pk")
    SearchResult.objects.create(user=guest, query="Asked as a guest")
    return guest


def test_a_guest_who_signs_up_stays_the_same_user(client, guest):
    client.post("/accounts/sign-up/", NEW)
    account = get_user_model().objects.get()
    assert (account.pk, account.username) == (guest.pk, "grace")
    assert not is_guest(account)
    text = client.get("/").text
    assert "Asked as a guest" in text
    assert "grace" in text


def test_a_guest_who_logs_in_brings_the_searches(client, user, guest):
    SearchResult.objects.create(user=user, query="Asked before")
    client.post("/accounts/login/", {"username": "ada", "password": "Lovelace-1"})
    text = client.get("/").text
    assert "Asked as a guest" in text
    assert "Asked before" in text
    assert not get_user_model().objects.filter(pk=guest.pk).exists()


def test_a_visitor_who_was_no_guest_can_sign_up_and_log_in(client):
    client.post("/accounts/sign-up/", NEW)
    client.post("/accounts/logout/")
    login = {"username": "grace", "password": "Hopper-1906"}
    assert client.post("/accounts/login/", login).status_code == 302
    assert "grace" in client.get("/").text


@pytest.mark.parametrize(
    "wrong",
    [{"username": ""}, {"username": "ada"}, {"password2": "other"}],
)
def test_a_wrong_sign_up_changes_nothing(client, user, wrong):
    client.get("/")
    response = client.post("/accounts/sign-up/", NEW | wrong)
    assert response.status_code == 400
    assert "errorlist" in response.text
    assert not get_user_model().objects.filter(username="grace").exists()
    assert get_user_model().objects.get(username="ada") == user


def test_the_next_visitor_does_not_see_what_was_asked(client, user):
    SearchResult.objects.create(user=user, query="A secret")
    client.force_login(user)
    assert "A secret" in client.get("/").text
    client.post("/accounts/logout/")
    assert "A secret" not in client.get("/").text


def test_the_name_of_a_user_is_text(client):
    get_user_model().objects.create_user(username="<b>Bobby", password="x")
    client.force_login(get_user_model().objects.get())
    assert "&lt;b&gt;Bobby" in client.get("/").text


def test_a_name_that_was_taken_since_the_check_is_reported(client, user, monkeypatch):
    monkeypatch.setattr(UserCreationForm, "clean_username", lambda form: "ada")
    monkeypatch.setattr(get_user_model(), "validate_unique", lambda *a, **options: None)
    response = client.post("/accounts/sign-up/", NEW)
    assert response.status_code == 400
    assert "already exists" in response.text
    assert "no-store" in response.headers["Cache-Control"]
