"""Explanations of the verdicts, from the observer, the survey and the code.

In here: a module per stage. `explain(scene, unmet)` returns a more specific mistake, or
the same mistake with its place. `findings(scene)` yields the mistakes that only the
observer can see.
Not in here: verdicts. What is seen from outside decides whether a stage passes.
"""
