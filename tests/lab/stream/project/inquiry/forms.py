from django import forms

from .models import Inquiry


class InquiryForm(forms.ModelForm):
    class Meta:
        model = Inquiry
        fields = ["question"]
        widgets = {
            "question": forms.TextInput(
                attrs={"placeholder": "What would you like to know?"}
            )
        }
