"""A visitor of a running project: pages, forms, cookies, sockets.

In here: what a visitor, with or without a browser, does with the project.
Not in here: whether the result is right or wrong (`check`).
"""
