from django.urls import path

from . import views

app_name = "enquiries"

urlpatterns = [
    path("", views.notebook, name="notebook"),
    path("ask/", views.ask, name="ask"),
]
