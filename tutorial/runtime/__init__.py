"""What runs: the environment, processes, ports, services, a browser, and the stack.

In here: starting, waiting and stopping.
Not in here: what a visitor does with a running project, and what is judged.
"""
