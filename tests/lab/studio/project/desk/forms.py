from django import forms

from .models import Question


class QuestionForm(forms.ModelForm):
    class Meta:
        model = Question
        fields = ["topic", "asker", "audience", "prompt_text"]
        widgets = {
            "audience": forms.RadioSelect,
            "prompt_text": forms.Textarea(attrs={"rows": 4}),
        }


class NewsletterForm(forms.Form):
    email = forms.EmailField(label="Friday's best answers by e-mail")
