"""Prints that it is ready, as a Celery worker does, and waits until it is ended."""

import signal

print("stub ready.", flush=True)
signal.pause()
