"""`tutorial check` with many folders: the table of a class.

In here: what each folder holds (`folders`, `parts`), how its check is run apart from
the others (`keeper`, `one`, `session`), results that are kept (`kept`), a folder's row
(`row`), and how the rows are shown (`output`, `document`).
Not in here: how one project is judged (`check`).
"""
