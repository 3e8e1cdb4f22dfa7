"""Watches Channels: groups, messages to them, consumers, and what they send."""

import functools

from .notes import caller, note, problem, source_of, where
from .of_django import in_transaction


def watch_asgiref(module):
    """Remember the line that waits: the coroutine itself runs in another thread."""
    call = module.AsyncToSync.__call__

    @functools.wraps(call)
    def __call__(self, *args, **kwargs):
        token = caller.set(where())
        try:
            return call(self, *args, **kwargs)
        finally:
            caller.reset(token)

    module.AsyncToSync.__call__ = __call__


def watch_layer(name):
    def watch(module):
        layer = getattr(module, name)
        for method in ("group_add", "group_send", "group_discard"):
            setattr(layer, method, watch_group(name, getattr(layer, method)))

    return watch


def watch_group(layer, function):
    send = function.__name__ == "group_send"

    @functools.wraps(function)
    async def watched(self, *args, **kwargs):
        names = ("group", "message" if send else "channel")
        given = dict(zip(names, args, strict=False)) | kwargs
        group, other = given.get("group"), given.get(names[1])
        details = {"layer": layer, "group": group, "at": where()}
        if send and isinstance(other, dict):
            details["type"] = other.get("type")
            details["message"] = repr(other)[:2000]
            details["in_transaction"] = in_transaction()
        else:
            details["channel"] = other
        try:
            result = await function(self, *args, **kwargs)
        except Exception as error:
            found = problem(error)
            fields = {"error": found["error"], "reason": found["message"]}
            note(f"{function.__name__} failed", **details | fields)
            raise
        note(function.__name__, **details)
        return result

    return watched


def watch_consumer(module):
    for kind in (module.AsyncConsumer, module.SyncConsumer):
        # Not as an attribute: the sync one is an object that binds itself.
        kind.dispatch = watch_dispatch(vars(kind)["dispatch"])
    call = module.AsyncConsumer.__call__

    @functools.wraps(call)
    async def __call__(self, scope, receive, send):
        fields = {
            "consumer": type(self).__name__,
            "user": getattr(scope.get("user"), "pk", None),
            "path": scope.get("path"),
            "socket": id(self),
        }

        async def watched_send(message):
            text = message.get("text") or message.get("bytes") or ""
            kind, at = message.get("type"), where()
            note("consumer sends", **fields, type=kind, text=str(text)[:2000], at=at)
            await send(message)

        note("consumer starts", **fields)
        try:
            await call(self, scope, receive, watched_send)
        except Exception as error:
            if type(error).__name__ not in ("StopConsumer", "CancelledError"):
                note("socket failed", **fields, **problem(error))
            raise

    module.AsyncConsumer.__call__ = __call__


def watch_dispatch(dispatch):
    @functools.wraps(dispatch, updated=())
    async def watched(self, message):
        kind = message.get("type")
        if not str(kind).startswith("websocket."):
            note(
                "consumer got",
                consumer=type(self).__name__,
                type=kind,
                has_method=hasattr(self, str(kind).replace(".", "_")),
                user=getattr(self.scope.get("user"), "pk", None),
                at=source_of(getattr(self, str(kind).replace(".", "_"), None)),
            )
        try:
            return await dispatch.__get__(self, type(self))(message)
        except Exception as error:
            if type(error).__module__ != "channels.exceptions":
                consumer = type(self).__name__
                note("consumer failed", consumer=consumer, type=kind, **problem(error))
            raise

    return watched
