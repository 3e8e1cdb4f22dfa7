from django import forms

from .models import Search


class SearchForm(forms.ModelForm):
    class Meta:
        model = Search
        fields = ["question"]
        widgets = {
            "question": forms.TextInput(
                attrs={"placeholder": "What would you like to know?", "autofocus": True}
            )
        }
