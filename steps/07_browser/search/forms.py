"""What counts as a question."""

from django import forms
from django.core.validators import RegexValidator


class SearchForm(forms.Form):
    query = forms.CharField(
        max_length=200,
        error_messages={"required": "Type a question first."},
        validators=[
            # A question is printed in logs and terminals, which obey such characters.
            RegexValidator(
                r"[\x00-\x1f\x7f-\x9f]",
                inverse_match=True,
                message="Control characters are not allowed in a question.",
            )
        ],
    )
