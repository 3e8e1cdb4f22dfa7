"""What counts as a question."""

import uuid

from django import forms
from django.core.validators import RegexValidator


class SearchForm(forms.Form):
    # Chosen by the page: the same form sent twice, by a double click or by a reload, is
    # the same search.
    task_id = forms.UUIDField(
        required=False,
        # Otherwise the browser restores the previous id after a reload.
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
    )
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

    def clean_task_id(self):
        return self.cleaned_data["task_id"] or uuid.uuid4()
