from django.urls import path

from . import views

app_name = "desk"

urlpatterns = [
    path("", views.board, name="board"),
    path("ask/", views.ask, name="ask"),
    path("newsletter/", views.subscribe, name="subscribe"),
]
