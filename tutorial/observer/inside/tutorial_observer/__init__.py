"""The observer runs in a project's processes, for `check` and the live map.

It wraps functions of Celery, Django, Channels and openai when they are imported, and
appends events, each a line of JSON, to the file that TUTORIAL_EVENTS names. It does not
change what the project does. If TUTORIAL_REDIS is set, it also redirects the project to
the check's Redis, database and OpenAI API, so that the learner's data stays unchanged.

It imports nothing from `tutorial`, because the project's processes cannot import that.
It never raises an exception: its own failures are recorded as events.
"""
