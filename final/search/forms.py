"""Stage 2 · view: checks the question that a visitor has typed."""

import uuid

from django import forms
from django.core.validators import RegexValidator


class QuestionField(forms.CharField):
    """One line of text, as people paste it: tabs and line breaks become spaces.

    Other control characters are refused. A database may refuse them, too: PostgreSQL
    cannot store NUL.
    """

    default_validators = [
        RegexValidator(
            r"[\x00-\x1f\x7f-\x9f]",
            inverse_match=True,
            message="Control characters are not allowed in a question.",
        )
    ]

    def to_python(self, value):
        return " ".join(super().to_python(value).split())


class SearchForm(forms.Form):
    # Chosen by the page: the same form sent twice, by a double click or by a reload, is
    # the same search.
    task_id = forms.UUIDField(
        required=False,
        # Otherwise the browser restores the previous id after a reload.
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
    )
    query = QuestionField(
        max_length=200,
        error_messages={"required": "Type a question first."},
    )

    def clean_task_id(self):
        return self.cleaned_data["task_id"] or uuid.uuid4()
