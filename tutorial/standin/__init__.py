"""The offline stand-in: a small server that speaks OpenAI's Responses API.

It answers with the passage of this tutorial's own text that fits the question best, and
misbehaves on request. Start it with `python -m tutorial.standin --port PORT`.
"""
