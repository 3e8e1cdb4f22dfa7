"""Makes the site's recordings of running steps: screenshots, logs, frames, journeys.

In here: code that makes these files, and where each of them is stored.
Not in here: how a page shows them (`site`), and measurements (`bench`).
"""
