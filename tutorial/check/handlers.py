"""Uses the code and the events to explain why a message to a group is missing.

`check` and the live map share this module.
"""

import re

from tutorial.check.code import Call, Code
from tutorial.check.unmet import Unmet
from tutorial.observer.events import Event


def is_lost(code: Code, call: Call) -> bool:
    """Whether the call creates a coroutine that is never awaited."""
    line = code.line(call.at)
    return not call.awaited and "async_to_sync" not in line and "(" in line


def own_layer(code: Code, sent_at: str | None) -> str | None:
    """Return the place of a channel layer other than the one in the settings, or None.

    `sent_at` is the line that sends to the group; its file is searched first.
    """
    own = r"\b\w*ChannelLayer\(|\bget_channel_layer\((?!\s*[\"']default)\s*[^)\s]"
    file = (sent_at or "").rpartition(":")[0]
    return (file and code.find(own, file)) or code.find(own, ".py")


def async_in_sync(code: Code, got: Event) -> str | None:
    """Return the place of the method that received the message, if it is wrongly async.

    Otherwise, return None. An `async` method is a mistake in a synchronous consumer,
    which does not await it.
    """
    kind = re.escape(got["consumer"])
    is_sync = code.find(
        rf"class {kind}\((\w+\.)*(Json)?(WebsocketConsumer|SyncConsumer)", ".py"
    )
    return got.at if is_sync and code.line(got.at).startswith("async ") else None


def why_no_handler(code: Code, connected: list[Event], signal: Event) -> Unmet:
    """Return the mistake that explains why a signal reached no handler.

    `connected` contains an event for each handler that was connected. All these events
    come from the process that sent the `signal`.
    """
    seen = f"{signal['name']} was sent ({signal.at}), with 0 handlers connected"
    # A handler was connected to this signal earlier.
    if had := [one for one in connected if one["signal"] == signal["signal"]]:
        return _had_handler(code, had[-1], seen)
    mine = {
        function: place
        for function, (name, place) in code.receivers.items()
        if name.rpartition(".")[2] == signal["name"]
    }
    if found := _not_connected(code, connected, signal, mine, seen):
        return found
    made = _made(code, signal["name"])
    if mine and len(made) > 1:
        seen += f"; there are {len(made)} signals of that name: {', '.join(made)}"
        return Unmet("handler-on-other-signal", seen, at=made[-1])
    if mine:
        place = next(iter(mine.values()))
        seen += ", although one had been connected: it no longer exists, or it accepts"
        seen += " only a different sender"
        return Unmet("handler-lost", seen, at=place)
    for function, (name, place) in code.receivers.items():
        seen += f"; {function} listens to {name}"
        return Unmet("handler-on-other-signal", seen, at=place)
    senders = [call.at for call in code.calls("group_send") if not is_lost(code, call)]
    return Unmet("handler-missing", seen, at=senders[0] if senders else signal.at)


def _had_handler(code: Code, had: Event, seen: str) -> Unmet:
    """Return the mistake to report if a handler was connected, but not called."""
    seen += ", although one had been connected"
    at = code.find(r"(@receiver|\.connect)\(.*\bsender=", ".py")
    if at or had.get("sender"):
        at = at or had.at
        return Unmet("sender-differs", f"{seen}; {at}: {code.line(at)}", at=at)
    place = code.receivers.get(had["receiver"].rpartition(".")[2], ("", None))[1]
    seen += ": the handler no longer exists"
    return Unmet("handler-lost", seen, at=place or had.at)


def _not_connected(
    code: Code, connected: list[Event], signal: Event, mine: dict[str, str], seen: str
) -> Unmet | None:
    """Return the mistake to report if a handler was never connected, or None.

    `mine` contains the places of the signal's handlers in the code, by function name.
    """
    names = {event["receiver"].rpartition(".")[2] for event in connected}
    for function, place in mine.items():
        if function.rpartition(".")[2] in names:
            continue
        file = place.rpartition(":")[0]
        if file in signal.get("modules", ()):
            seen += f"; {file} was imported, but it has not connected {function}"
            return Unmet("handler-missing", seen, at=place)
        seen += f"; {file} was not imported in the worker"
        if outside := code.find(r"^def ready\(", "apps.py", ".py"):
            seen += f"; `def ready` ({outside}) is outside the class"
            place = outside
        return Unmet("handler-not-imported", seen, at=place)
    return None


def _made(code: Code, name: str) -> list[str]:
    """Return the places where a signal of this name is created."""
    return [
        f"{file}:{number}"
        for file, text in code.texts(".py").items()
        for number, line in enumerate(text.splitlines(), start=1)
        if re.match(rf"{name}\s*=\s*(\w+\.)*Signal\(", line)
    ]
