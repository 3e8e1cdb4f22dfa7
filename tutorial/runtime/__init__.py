"""Everything that runs: the environment, processes, ports, services, browser, stack.

In here: code that starts something, waits for it, or stops it.
Not in here: what a visitor does with a running project, and how a project is judged.
"""
