"""Finds the mistakes behind exceptions of a handler, channel layer or consumer.

`check` and the live map share this module.
"""

import re

from tutorial.observer.events import Event

OF_LAYERS = re.compile(r"channel_?layer|InvalidChannelLayer|hosts|backend", re.I)


def of_handler(failed: Event) -> str:
    """Return the id of the mistake that explains an exception in a signal handler."""
    if failed["error"] == "NotAwaited":
        return "not-awaited"
    if "'NoneType' object has no attribute 'group_send'" in failed.error:
        return "layer-missing"
    if OF_LAYERS.search(failed.error):
        return "layer-refuses"
    if failed["error"] == "TemplateDoesNotExist":
        return "template-missing"
    if "async_to_sync" in failed.error or "AsyncToSync" in failed.error:
        return "async-mismatch"
    return "handler-raises"


def of_layer(failed: Event) -> str:
    """Return the id of the mistake that explains a failed call of the channel layer."""
    reason = f"{failed['error']}: {failed.get('reason', '')}"
    if reason.startswith("TypeError: Group name must be"):
        return "group-name-refused"
    if re.search(r"serializ|pack|dict", reason):
        return "message-not-serializable"
    return "layer-refuses"


def of_consumer(failed: Event) -> str:
    """Return the id of the mistake that explains an exception in a consumer."""
    if failed.error in ("KeyError: 'user'", "KeyError: 'session'"):
        return "socket-without-user"
    if failed.error.startswith("TypeError: Group name must be"):
        return "group-name-refused"
    if "group_add" in failed.error and "NoneType" in failed.error:
        return "layer-missing"
    if "can't be used in 'await' expression" in failed.error:
        return "async-mismatch"
    if "Socket has not been accepted" in failed.error:
        return "never-accepted"
    return "consumer-raises"


def of_handshake(failed: Event) -> str:
    """Return the id of the mistake that explains why no consumer got a handshake."""
    if "No route found" in failed.error:
        return "route-mismatch"
    if "scope type 'websocket'" in failed.error or "can only handle" in failed.error:
        return "no-websocket-protocol"
    return "socket-refused"
