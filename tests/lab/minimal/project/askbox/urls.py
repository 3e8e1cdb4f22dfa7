from django.urls import path

from askbox import views

urlpatterns = [
    path("", views.index),
    path("api/results/", views.results, name="results"),
]
