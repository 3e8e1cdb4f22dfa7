"""What goes wrong for a person: told in a sentence or two, without a traceback."""


class Problem(Exception):
    """Says what happened, and what to do."""
