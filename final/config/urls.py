from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import path

from search import accounts
from search.health import healthz, metrics, readyz
from search.views import cancel, openai_index

handler500 = "search.middleware.server_error"

urlpatterns = [
    path("", openai_index, name="openai_index"),
    path("searches/<uuid:task_id>/cancel/", cancel, name="cancel"),
    path("accounts/sign-up/", accounts.sign_up, name="sign_up"),
    path("accounts/login/", accounts.LogIn.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path(
        "accounts/password/", accounts.ChangePassword.as_view(), name="change_password"
    ),
    path("accounts/delete/", accounts.delete_account, name="delete_account"),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]
if settings.SENDS_MAIL:
    urlpatterns += [
        path(
            "accounts/reset/", accounts.ResetPassword.as_view(), name="reset_password"
        ),
        path(
            "accounts/reset/<uidb64>/<token>/",
            accounts.ConfirmReset.as_view(),
            name="confirm_reset",
        ),
    ]
if settings.ADMIN:
    urlpatterns += [path("admin/", admin.site.urls)]
