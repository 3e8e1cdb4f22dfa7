"""The stages, judged by what can be seen from outside.

In here: a module per stage. `look(scene)` returns what it saw, or raises Unmet. If the
stage passes, `findings(scene)` yields what is unsafe, unreliable or missing in it. The
docstrings of both functions state what the stage requires of a project.
Not in here: explanations. No stage reads the observer's events, the survey or the code.
"""
