"""What is recorded of the running steps: pictures, logs, frames, and the drawing.

In here: taking, naming and keeping the recordings.
Not in here: how a page shows them (`site`).
"""
