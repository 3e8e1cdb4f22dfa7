"""Stage 3 · queue: the question is a message in Redis; the view waits for nobody."""

import base64
import json
import uuid

from tutorial.visitor.site import Site, Unmet
from tutorial.visitor.visitor import Visitor

MISSING = "No message entered Redis"

# Seconds: less than any answer of the API takes, more than a busy machine needs.
AT_ONCE = 2.0


def check(site: Site) -> str:
    """The message in Redis holds question and user; the view answers at once."""
    visitor = Visitor(site)
    question = f"What is a queue? {uuid.uuid4()}"
    with site.watch_redis() as watch:
        answer = visitor.ask(question)
        message = watch.find(read_message, 2)
    if message is None:
        raise Unmet(f"{MISSING}; the view took {answer.seconds:.1f} s")
    name, arguments = message["headers"]["task"], message["arguments"]
    if question not in arguments:
        raise Unmet(f"The message has no argument with the question: {arguments}")
    if not any(isinstance(value, int) for value in arguments):
        raise Unmet(f"The message has no argument with the user's id: {arguments}")
    if answer.seconds > AT_ONCE:
        raise Unmet(f"The view took {answer.seconds:.1f} s to answer")
    return f"a message for {name} with {arguments}, after {answer.seconds:.3f} s"


def read_message(command: str) -> dict | None:
    """The Celery message that the Redis command pushes, with its arguments' values."""
    if not command.startswith("LPUSH celery "):
        return None
    text = command.removeprefix("LPUSH celery ")
    message = json.loads(text.encode("latin-1").decode("unicode_escape"))
    args, kwargs, _ = json.loads(base64.b64decode(message["body"]))
    message["arguments"] = [*args, *kwargs.values()]
    return message
