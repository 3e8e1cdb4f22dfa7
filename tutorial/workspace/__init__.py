"""Folders outside of the tutorial: a learner's own, and the steps as a git history.

In here: code that creates such a folder, or changes files in it.
Not in here: running what is in the folder (`runtime`) or judging it (`check`).
"""
