"""The repair shop: projects with one mistake each, which learners find and fix.

In here: the list of mistakes, how a mistake is put into a folder, and what is printed.
Not in here: how a project is judged, and the texts about a mistake (`check`).
"""
