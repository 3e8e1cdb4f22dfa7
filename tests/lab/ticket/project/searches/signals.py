from django.dispatch import Signal

search_answered = Signal()
