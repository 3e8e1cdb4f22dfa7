"""What the observer does in a process of a project that is checked or shown on a map.

It wraps functions of Celery, Django, Channels and openai when they are imported, and
appends an event, as a line of JSON, to the file that TUTORIAL_EVENTS names. It changes
nothing that the project does. With TUTORIAL_REDIS it also leads the project to other
services: Redis, the database and the OpenAI API are those of the check, so that the
learner's stay as they are.

It stands alone, because the project's processes do not have the `tutorial` package,
and it never raises: what fails here is an event itself.
"""
