"""Watches Channels: groups and their messages, consumers and their frames."""

import contextlib
import contextvars
import functools
import time

from .notes import caller, guarded, note, problem, source_of, where
from .of_django import in_transaction
from .trail import digest, handshake, heard, new, trail


def watch_asgiref(module):
    """Store the project's line that calls `async_to_sync`.

    The coroutine runs in another thread, so the stack of that thread does not contain
    this line.
    """
    call = module.AsyncToSync.__call__

    @functools.wraps(call)
    def __call__(self, *args, **kwargs):
        token = caller.set(where())
        try:
            return call(self, *args, **kwargs)
        finally:
            caller.reset(token)

    module.AsyncToSync.__call__ = __call__


METHODS = ("group_add", "group_send", "group_discard")

# Whether a layer's method is running. The methods that it calls are not recorded.
is_inside = contextvars.ContextVar("is_inside", default=False)


def watch_layer(name):
    def watch(module):
        layer = getattr(module, name)
        for method in METHODS:
            setattr(layer, method, watch_group(name, getattr(layer, method)))

    return watch


def watch_layers(module):
    """Watch the in-memory layer, and layers that the project or a package defines."""
    watch_layer("InMemoryChannelLayer")(module)
    manager = module.ChannelLayerManager
    make = manager._make_backend

    @functools.wraps(make)
    def watched(self, *args, **kwargs):
        layer = make(self, *args, **kwargs)
        guarded(watch_object)(layer)
        return layer

    manager._make_backend = watched


def watch_object(layer):
    """Watch a layer's methods, if the project or another package defines them."""
    for method in METHODS:
        function = getattr(layer, method)
        place = function.__func__.__module__
        if not place.startswith(("channels.", "channels_redis.")):
            name = next(
                kind.__name__
                for kind in type(layer).__mro__
                if kind.__module__.startswith(("channels.", "channels_redis."))
                or kind.__mro__[1] is object
            )
            watched = watch_group(name, function.__func__)
            setattr(layer, method, functools.partial(watched, layer))


def watch_group(layer, function):
    send = function.__name__ == "group_send"

    @functools.wraps(function)
    async def watched(self, *args, **kwargs):
        if is_inside.get():
            return await function(self, *args, **kwargs)
        names = ("group", "message" if send else "channel")
        given = dict(zip(names, args, strict=False)) | kwargs
        group, other = given.get("group"), given.get(names[1])
        details = {"layer": layer, "group": group, "at": where(), "begun": time.time()}
        if send and isinstance(other, dict):
            details["type"] = other.get("type")
            details["message"] = repr(other)[:2000]
            details["digest"] = guarded(digest)(other)
            details["in_transaction"] = in_transaction()
        else:
            details["channel"] = other
        token = is_inside.set(True)
        try:
            result = await function(self, *args, **kwargs)
        except Exception as error:
            found = problem(error)
            fields = {"error": found["error"], "reason": found["message"]}
            note(f"{function.__name__} failed", **details | fields)
            raise
        finally:
            is_inside.reset(token)
        note(function.__name__, **details)
        return result

    return watched


def watch_consumer(module):
    call = module.AsyncConsumer.__call__

    @functools.wraps(call)
    async def __call__(self, scope, receive, send):
        fields = {
            "consumer": type(self).__name__,
            "user": getattr(scope.get("user"), "pk", None),
            "path": scope.get("path"),
            "socket": id(self),
            "has_user": "user" in scope,
        }

        async def watched_send(message):
            text = message.get("text") or message.get("bytes") or ""
            kind, at = message.get("type"), where()
            note("consumer sends", **fields, type=kind, text=str(text)[:2000], at=at)
            await send(message)

        if scope["type"] == "websocket" and handshake.get() is None:
            handshake.set(new())  # no router has recorded the handshake
        note("consumer starts", **fields)
        # Wrap the object's method, because a project may define its own `dispatch`.
        with contextlib.suppress(Exception):  # a class with __slots__, for example
            self.dispatch = functools.partial(dispatch, self, self.dispatch)
        try:
            await call(self, scope, receive, watched_send)
        except Exception as error:
            if type(error).__name__ not in ("StopConsumer", "CancelledError"):
                note("socket failed", **fields, **problem(error))
            raise
        finally:
            note("consumer ends", **fields, channel=getattr(self, "channel_name", ""))

    module.AsyncConsumer.__call__ = __call__


async def dispatch(consumer, function, message):
    """Call the consumer's own `dispatch`, and record the message."""
    begun = guarded(begin)(consumer, message)
    try:
        return await function(message)
    except Exception as error:
        if type(error).__module__ != "channels.exceptions":
            name, kind = type(consumer).__name__, message.get("type")
            note("consumer failed", consumer=name, type=kind, **problem(error))
        raise
    finally:
        for variable, token in begun or ():
            variable.reset(token)


def begin(consumer, message):
    """Record the message, and set context variables. Return them with their tokens."""
    kind = str(message.get("type"))
    fields = {"consumer": type(consumer).__name__, "socket": id(consumer)}
    if kind == "websocket.receive":
        begun = [(trail, trail.set(new()))]
        text = str(message.get("text") or message.get("bytes") or "")[:2000]
        note("frame received", **fields, text=text)
        return begun
    if kind.startswith("websocket."):
        return []
    method = getattr(consumer, kind.replace(".", "_"), None)
    begun = [(heard, heard.set(digest(message)))]
    note(
        "consumer got",
        **fields,
        type=message.get("type"),
        has_method=method is not None,
        user=getattr(consumer.scope.get("user"), "pk", None),
        at=source_of(method),
    )
    return begun
