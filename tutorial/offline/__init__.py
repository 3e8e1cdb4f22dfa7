"""What `prepare` and `pack` need to make the tutorial work without internet.

In here: what `prepare` tests, what `pack` puts into its file, and how the site of a
pack is served.
Not in here: how packages are installed, from a pack or otherwise (`runtime`).
"""
