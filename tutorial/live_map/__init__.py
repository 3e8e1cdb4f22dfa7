"""The live map. It shows the processes of a running project, and each search in them.

In here: the searches, made from the observer's events (`journeys`, `stuck`), the
contents of Redis, the page and its server, the picture of the flow, and the recording
of a session.
Not in here: the recorder of the events (`observer`), the list of mistakes (`check`).
"""
