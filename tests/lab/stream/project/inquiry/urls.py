from django.urls import path

from . import views

app_name = "inquiry"

urlpatterns = [
    path("", views.desk, name="desk"),
    path("ask/", views.ask, name="ask"),
]
