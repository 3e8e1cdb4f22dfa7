"""The live map: shows the processes of a running project, and each search in them.

In here: what becomes of the observer's events (`journeys`, `stuck`), what waits in
Redis, the page, the server of the page, and the recording of a session.
Not in here: what is heard inside the processes (`observer`), the picture of the flow
(`capture`), the catalogue of mistakes (`check`).
"""
