"""One thin module per command that is typed: its arguments, and what it calls.

In here: a function `add` that declares the command, and a function that carries it out.
Not in here: the work itself. Before `.venv` exists only the standard library can be
imported: what needs more is imported in a function, after `environment.enter`.
"""
