from django.urls import path

from .views import AskView

urlpatterns = [
    path("", AskView.as_view(), name="ask"),
]
