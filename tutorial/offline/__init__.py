"""A day without internet: downloads and tests everything beforehand, or bundles it.

In here: what `prepare` tests, what `pack` puts into its file, and how the site of a
pack is served.
Not in here: how packages are installed, including from a pack (`runtime`).
"""
