"""Stage 2 · view: checks the question that a visitor has typed."""

from django import forms


class SearchForm(forms.Form):
    query = forms.CharField(
        max_length=200,
        error_messages={"required": "Type a question first."},
    )
