from django import forms


class FrageForm(forms.Form):
    frage = forms.CharField(
        label="Ihre Frage",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
    )
