from django.urls import path

from . import views

app_name = "assistant"

urlpatterns = [
    path("", views.DeskView.as_view(), name="desk"),
    path("questions/", views.ask, name="ask"),
]
