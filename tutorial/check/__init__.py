"""`tutorial check`: does a project do what the stages ask, and if not, why.

The project runs as it is, in a copy, with a Redis and an OpenAI API of the check's own.
It is looked at from both sides: from outside as a visitor and a browser see it, and by
an observer in its processes, which knows at which line something happened. What decides
is the outside; the observer tells why.
"""
