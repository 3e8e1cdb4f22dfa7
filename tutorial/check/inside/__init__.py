"""The stages, explained by what the observer, the survey and the code know.

In here: a module per stage. `explain(scene, unmet)` returns a more specific mistake, or
the same with its place; `findings(scene)` yields what only the observer can know.
Not in here: a verdict. What is seen from outside decides whether a stage holds.
"""
