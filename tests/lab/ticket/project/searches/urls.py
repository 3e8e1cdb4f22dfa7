from django.urls import path

from . import views

app_name = "searches"

urlpatterns = [
    path("", views.index, name="index"),
    path("search/", views.start_search, name="start"),
]
