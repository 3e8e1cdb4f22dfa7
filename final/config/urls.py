from django.contrib.auth.views import LogoutView
from django.urls import path

from search.accounts import LogIn, sign_up
from search.health import healthz, metrics, readyz
from search.views import cancel, openai_index

urlpatterns = [
    path("", openai_index, name="openai_index"),
    path("searches/<uuid:task_id>/cancel/", cancel, name="cancel"),
    path("accounts/sign-up/", sign_up, name="sign_up"),
    path("accounts/login/", LogIn.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]
