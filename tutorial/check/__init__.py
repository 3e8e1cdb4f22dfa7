"""`tutorial check`: does a project do what the stages ask, and if not, why.

In here: the running copy (`scene`, `start`), the verdicts from outside (`stages`), what
explains them (`inside`), the catalogue of mistakes, and the report.
Not in here: what runs inside the project's processes (`tutorial.observer`).
"""
