from django.dispatch import Signal

enquiry_answered = Signal()
