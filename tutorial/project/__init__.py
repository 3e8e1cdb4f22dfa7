"""What a project is, without running it: its files, its Procfile, its differences.

In here: what can be known by reading folders.
Not in here: anything that starts a process of a project.
"""
