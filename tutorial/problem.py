"""An error that a person can do something about: a message, never a traceback."""


class Problem(Exception):
    """Says what happened, and what to do."""
