from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LogoutView, PasswordChangeDoneView
from django.urls import include, path

from search import accounts
from search.health import healthz, metrics, readyz
from search.views import cancel, openai_index

handler500 = "search.errors.server_error"

urlpatterns = [
    path("", openai_index, name="openai_index"),
    path("searches/<uuid:task_id>/cancel/", cancel, name="cancel"),
    path("accounts/sign-up/", accounts.sign_up, name="sign_up"),
    path("accounts/login/", accounts.LogIn.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/password_change/", accounts.change_password, name="password_change"),
    path(
        "accounts/password_change/done/",
        PasswordChangeDoneView.as_view(),
        name="password_change_done",
    ),
    path("accounts/delete/", accounts.delete_account, name="delete_account"),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]
if settings.SENDS_MAIL:
    urlpatterns += [
        path(
            "accounts/password_reset/", accounts.reset_password, name="password_reset"
        ),
        # The other pages of the password reset.
        path("accounts/", include("django.contrib.auth.urls")),
    ]
if settings.ADMIN:
    urlpatterns += [path("admin/", admin.site.urls)]
