"""Uses the observer, the survey and the code to explain the verdicts.

In here: a module per stage. `explain(scene, unmet)` returns a more specific mistake, or
the same mistake with its place. `findings(scene)` yields the mistakes that only the
observer can see.
Not in here: verdicts. A verdict depends only on what can be seen from outside.
"""
