from django.dispatch import Signal

question_settled = Signal()
