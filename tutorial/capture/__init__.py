"""What the site shows of the running steps: screenshots, logs, frames, the drawing.

In here: making these files, and where each of them is stored.
Not in here: how a page shows them (`site`), and what is measured (`bench`).
"""
