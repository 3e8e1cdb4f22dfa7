"""A day without internet: what it needs is fetched and tried before, or bundled.

In here: what `prepare` tries, what `pack` puts into its file, and the site from there.
Not in here: how packages are installed, also from a pack (`runtime`).
"""
