"""What is recorded of the running steps for the site: pictures, logs, frames, the drawing.

In here: taking, naming and keeping the recordings.
Not in here: how a page shows them (`site`).
"""
