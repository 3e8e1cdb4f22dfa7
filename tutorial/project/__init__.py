"""What a project is: its files, its Procfile, and how it differs from another project.

In here: everything that can be found out by reading the files of a project.
Not in here: code that starts a project or one of its processes (`runtime`).
"""
