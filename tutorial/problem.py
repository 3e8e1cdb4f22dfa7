"""An error that the user can fix. It is shown as a message, never as a traceback."""


class Problem(Exception):
    """An error whose message says what happened, and what the user can do."""
