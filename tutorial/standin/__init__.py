"""The offline stand-in: a small server that implements OpenAI's Responses API.

In here: its HTTP server, its answers from this tutorial's text, its simulated failures.
Not in here: starting it for a project (`runtime`), and the benchmark's API (`bench`).

Start it by hand with `python -m tutorial.standin --port PORT`.
"""

# The stand-in accepts this key, and keys in the format of OpenAI's keys.
STAND_IN_KEY = "offline-stand-in"
