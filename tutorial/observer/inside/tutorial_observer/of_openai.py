"""Watches openai: leads its client to the check's API, and notes what it raises."""

import functools
import os

from .notes import note, problem, where


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
                self.base_url = os.environ["OPENAI_BASE_URL"]

            return __init__

        kind.__init__ = wrap(kind.__init__)


def watch_openai(module):
    for name in ("SyncAPIClient", "AsyncAPIClient"):
        wrap_call(getattr(module, name), "request", "openai")


def wrap_call(kind, name, what):
    """Note a call that raises, coroutine functions included."""
    function = getattr(kind, name)

    def noted(error, place):
        note(what, **problem(error) | {"at": place or problem(error)["at"]})

    if is_coroutine(function):

        async def call(self, *args, **kwargs):
            place = where()
            try:
                return await function(self, *args, **kwargs)
            except Exception as error:
                noted(error, place)
                raise

    else:

        def call(self, *args, **kwargs):
            place = where()
            try:
                return function(self, *args, **kwargs)
            except Exception as error:
                noted(error, place)
                raise

    setattr(kind, name, functools.wraps(function)(call))


def is_coroutine(function):
    import inspect

    return inspect.iscoroutinefunction(function)
