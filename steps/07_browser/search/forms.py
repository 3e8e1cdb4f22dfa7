"""What counts as a question."""

from django import forms


class SearchForm(forms.Form):
    query = forms.CharField(
        max_length=200, error_messages={"required": "Type a question first."}
    )
