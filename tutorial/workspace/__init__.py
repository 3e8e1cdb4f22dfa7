"""Folders outside the tutorial: learners' own projects, and the steps as git history.

In here: code that creates such a folder, or changes files in it.
Not in here: running the project in the folder (`runtime`) or judging it (`check`).
"""
