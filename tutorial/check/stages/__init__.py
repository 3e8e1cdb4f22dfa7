"""The stages, judged by what can be seen from outside.

In here: a module per stage. `look(scene)` returns what it saw, or raises Unmet; then
`findings(scene)` yields what is unsafe, unsound or missing although the stage holds.
Not in here: why. No stage reads the observer's events, the survey or the code.
"""
