from django.urls import path

from . import views

app_name = "suche"

urlpatterns = [
    path("", views.StartView.as_view(), name="start"),
    path("suche/", views.SucheView.as_view(), name="suche"),
    path("verlauf/", views.VerlaufView.as_view(), name="verlauf"),
]
