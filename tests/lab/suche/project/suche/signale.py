from django.dispatch import Signal

frage_beantwortet = Signal()
