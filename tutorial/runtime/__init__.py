"""Everything that runs: the environment, processes, ports, services, browser, stack.

In here: code that starts, waits and stops.
Not in here: what a visitor does with a running project, and how a project is judged.
"""
