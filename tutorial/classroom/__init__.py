"""Carries out `tutorial check` for many folders, and shows the table of a class.

In here: finding the project in each folder (`folders`, `parts`), checking each one in
its own processes (`keeper`, `one`, `session`), the cache of results (`kept`), the row
of a folder (`row`), and printing or writing the table (`output`, `document`).
Not in here: how one project is judged (`check`).
"""
