from django import forms

from .models import Enquiry


class EnquiryForm(forms.ModelForm):
    class Meta:
        model = Enquiry
        fields = ["question"]
        widgets = {
            "question": forms.TextInput(
                attrs={"placeholder": "What would you like to know?"}
            ),
        }
