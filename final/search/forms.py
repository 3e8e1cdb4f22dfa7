"""Stage 2 · view: checks the question that a visitor has typed."""

import re
import uuid

from django import forms


class SearchForm(forms.Form):
    # The id of the search is part of the form. So a form that is sent twice, by a
    # double click or by a reload, starts only one search.
    task_id = forms.UUIDField(
        required=False,
        # Otherwise the browser restores the previous id after a reload.
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
    )
    query = forms.CharField(
        max_length=200,
        error_messages={"required": "Type a question first."},
    )

    def clean_task_id(self):
        return self.cleaned_data["task_id"] or uuid.uuid4()

    def clean_query(self):
        # A pasted question may have tabs and line breaks.
        query = " ".join(self.cleaned_data["query"].split())
        # The field has already rejected NUL, which PostgreSQL cannot store.
        if re.search(r"[\x00-\x1f\x7f-\x9f]", query):
            raise forms.ValidationError(
                "Control characters are not allowed in a question."
            )
        return query
