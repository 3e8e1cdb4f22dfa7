from django.urls import path

from search.views import openai_index

urlpatterns = [
    path("", openai_index, name="openai_index"),
]
