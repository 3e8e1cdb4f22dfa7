"""A learner's own folder: creating it, and bringing it to the end of a step.

In here: code that changes files in a learner's folder.
Not in here: running what is in the folder (`runtime`) or judging it (`check`).
"""
