"""The offline stand-in: a small server that speaks OpenAI's Responses API.

It answers with the passage of this tutorial's own text that fits the question best, and
misbehaves on request. Start it with `python -m tutorial.standin --port PORT`.
"""

# The only key that the stand-in takes beside those of the shape that OpenAI's have.
STAND_IN_KEY = "offline-stand-in"
