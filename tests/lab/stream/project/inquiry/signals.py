from django.dispatch import Signal

answer_started = Signal()
answer_piece = Signal()
answer_saved = Signal()
