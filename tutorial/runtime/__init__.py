"""What runs: the environment, processes, ports, services, browser, and the stack of a project.

In here: starting, waiting and stopping.
Not in here: what a visitor does with a running project, and what is judged.
"""
