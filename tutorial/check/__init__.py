"""`tutorial check`: whether a project does what the stages ask for and, if not, why.

In here: the running copy (`scene`, `start`), the verdicts from outside (`stages`),
their explanations (`inside`), the catalogue of mistakes, and the report.
Not in here: the code that runs in the project's processes (`tutorial.observer`).
"""
