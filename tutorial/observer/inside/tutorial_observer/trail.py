"""Which search a process works on: known from its request or task, across threads."""

import contextvars
import functools
import itertools
import json
import os
import sys
import uuid
import weakref

# The request or the task within which everything happens.
trail = contextvars.ContextVar("trail", default=None)
# The group's message that a consumer handles; see `digest`.
heard = contextvars.ContextVar("heard", default=None)

numbers = itertools.count(1)
tasks = weakref.WeakKeyDictionary()


def current():
    """The trail, or else a name for asyncio's task: its events belong together."""
    found = trail.get()
    if found or os.environ.get("TUTORIAL_PROCESS") != "worker":
        return found
    asyncio = sys.modules.get("asyncio")
    try:
        task = asyncio and asyncio.current_task()
        number = tasks.setdefault(task, next(numbers)) if task else 0
    except Exception:  # no event loop in this thread, or a task of another kind
        return None
    return f"~{os.getpid()}-{number}" if number else None


def new():
    return uuid.uuid4().hex[:12]


def digest(message):
    """The same for a message that is sent to a group, and for what a consumer gets."""
    # MessagePack makes a list of a tuple, and so does JSON.
    return f"{hash_of(json.dumps(message, sort_keys=True, default=repr))}"


def hash_of(text):
    import hashlib

    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def watch_threads(module):
    """Pass the trail on to a thread of a pool: it has a context of its own."""
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
