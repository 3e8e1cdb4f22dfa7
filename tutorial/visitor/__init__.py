"""A person seen from outside: pages, forms, cookies, sockets.

In here: what a visitor and a browser do with a running project.
Not in here: what is right or wrong about the result.
"""
