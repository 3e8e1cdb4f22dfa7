"""The trail: the id of the running request or task, passed on to its threads."""

import contextvars
import functools
import itertools
import json
import os
import sys
import uuid
import weakref

# The id of the request or task that is running.
trail = contextvars.ContextVar("trail", default=None)
# The digest of the group message that a consumer is handling; see `digest`.
heard = contextvars.ContextVar("heard", default=None)
# The id of the WebSocket's handshake. It is set for everything that the consumer does.
handshake = contextvars.ContextVar("handshake", default=None)

numbers = itertools.count(1)
tasks = weakref.WeakKeyDictionary()


def current():
    """Return the trail, or None.

    In a worker, if there is no trail, return a name for asyncio's current task. The
    name links the events of this asyncio task.
    """
    found = trail.get()
    if found or os.environ.get("TUTORIAL_PROCESS") != "worker":
        return found
    asyncio = sys.modules.get("asyncio")
    try:
        task = asyncio and asyncio.current_task()
        number = tasks.setdefault(task, next(numbers)) if task else 0
    except Exception:  # no event loop in this thread, or a task of a different kind
        return None
    return f"~{os.getpid()}-{number}" if number else None


def new():
    return uuid.uuid4().hex[:12]


def digest(message):
    """Return a digest of a group message: the same for the sender and the consumers."""
    # A channel layer may turn tuples into lists, and JSON writes both in the same way.
    return f"{hash_of(json.dumps(message, sort_keys=True, default=repr))}"


def hash_of(text):
    import hashlib

    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def watch_threads(module):
    """Pass the trail on to the threads of a pool, which have contexts of their own."""
    submit = module.ThreadPoolExecutor.submit

    @functools.wraps(submit)
    def watched(self, function, /, *args, **kwargs):
        found = current()
        if found is None:
            return submit(self, function, *args, **kwargs)
        return submit(self, followed, found, function, *args, **kwargs)

    module.ThreadPoolExecutor.submit = watched


def followed(found, function, /, *args, **kwargs):
    token = trail.set(found)
    try:
        return function(*args, **kwargs)
    finally:
        trail.reset(token)
