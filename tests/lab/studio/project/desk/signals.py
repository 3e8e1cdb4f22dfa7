from django.dispatch import Signal

answer_ready = Signal()
