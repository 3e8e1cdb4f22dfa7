"""Watches openai: redirects its client to the check's API, and records its errors."""

import functools
import os
import re
from urllib.parse import urlsplit

from .moved import IS_MOVED, answers
from .notes import guarded, note, problem, where
from .of_network import REAL_API

MODEL_SERVERS = (11434, 1234)  # the usual ports of Ollama and LM Studio


def watch_openai_client(module):
    for name in ("OpenAI", "AsyncOpenAI"):
        kind = getattr(module, name)

        def wrap(make):
            @functools.wraps(make)
            def __init__(self, *args, **kwargs):
                try:
                    make(self, *args, **kwargs)
                except Exception as error:
                    note("openai", **problem(error) | {"at": where()})
                    raise
                if IS_MOVED:
                    guarded(lead)(self)

            return __init__

        kind.__init__ = wrap(kind.__init__)


def lead(client):
    """Redirect a client to the check's API.

    A client keeps a wrong address, so that it fails as it would without a check. Three
    kinds of addresses are wrong: an invalid address, an address of this machine on
    which nothing listens, and a wrong path of the real API. The usual port of a model
    server is always redirected, because such a server may run on the learner's machine
    and not on this one.
    """
    given, ours = client.base_url, urlsplit(os.environ["OPENAI_BASE_URL"])
    if given.scheme not in ("http", "https") or given.port == ours.port:
        return
    is_here = given.host in ("127.0.0.1", "localhost", "::1", "0.0.0.0")
    is_usual = given.port in MODEL_SERVERS
    is_kept = is_here and not is_usual and not answers(given.host, given.port or 80)
    address = f"{given.scheme}://{given.netloc.decode()}{given.path}"
    note("openai address", address=address, kept=is_kept, at=where())
    if is_kept:
        return
    path = given.path if given.host == REAL_API else ours.path
    client.base_url = f"{ours.scheme}://{ours.netloc}{path}"


def watch_openai(module):
    for name in ("SyncAPIClient", "AsyncAPIClient"):
        wrap_call(getattr(module, name), "request", "openai")


def wrap_call(kind, name, what):
    """Record the calls of a method, and whether each of them raised an exception.

    The method may be a coroutine function.
    """
    function = getattr(kind, name)

    def noted(error, place):
        found = problem(error)
        found["at"] = place or found["at"]
        found["message"] = reason(error)[:300]
        note(what, **found)

    if is_coroutine(function):

        async def call(self, *args, **kwargs):
            place = where()
            guarded(note_question)(args, kwargs, place)
            try:
                result = await function(self, *args, **kwargs)
            except Exception as error:
                noted(error, place)
                raise
            note("api answered", at=place)
            return result

    else:

        def call(self, *args, **kwargs):
            place = where()
            guarded(note_question)(args, kwargs, place)
            try:
                result = function(self, *args, **kwargs)
            except Exception as error:
                noted(error, place)
                raise
            note("api answered", at=place)
            return result

    setattr(kind, name, functools.wraps(function)(call))


def note_question(args, kwargs, place):
    """Record the model and the question of a request, but no headers."""
    options = kwargs.get("options") or next(
        (one for one in args if hasattr(one, "json_data")), None
    )
    content = getattr(options, "json_data", None) or {}
    question = content.get("input") or content.get("messages") or ""
    if isinstance(question, list):
        last = question[-1] if question else ""
        question = last.get("content", "") if isinstance(last, dict) else last
    note(
        "api asked",
        model=str(content.get("model", "")),
        streams=bool(content.get("stream")),
        question=str(question)[:500],
        at=place,
    )


def reason(error):
    """Return why the call failed, in the words of the API or of the connection."""
    body, cause = getattr(error, "body", None), str(error.__cause__ or "")
    if isinstance(body, dict) and body.get("message"):
        return str(body["message"])
    # The error about an invalid header quotes the header, which contains the key.
    cause = re.sub(r"b'Bearer.*", "of Authorization", cause)
    return f"{error} {cause}".strip()


def is_coroutine(function):
    import inspect

    return inspect.iscoroutinefunction(function)
