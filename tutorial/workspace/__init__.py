"""The learner's own folder: made from a step, and brought up to date.

In here: what changes files in a folder that is not ours.
Not in here: running or judging what is in the folder.
"""
