"""One thin module per command. It declares the arguments, and calls other modules.

In here: a function `add` that declares the command, and a function that carries it out.
Not in here: the work itself. Before `.venv` exists, only the standard library can be
imported. Modules that need other packages are therefore imported inside functions,
after `environment.enter`.
"""
