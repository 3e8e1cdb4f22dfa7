"""Finds out why a message to a group causes no frame."""

import re
from collections.abc import Callable
from typing import Any

from tutorial.check.blocks import silent_except
from tutorial.check.code import Code
from tutorial.check.exceptions import of_consumer, of_handshake
from tutorial.check.handlers import async_in_sync, is_lost, own_layer
from tutorial.live_map.hops import said
from tutorial.live_map.journey import Journey
from tutorial.live_map.sockets import Attempt
from tutorial.live_map.world import PATIENCE, Halt, Halts, World
from tutorial.observer.events import Event

# The possible mistakes if no page has requested a WebSocket, each with the sign that
# distinguishes it from the others.
NEVER_ASKED = (
    ("script-missing", "In the network tab, the script is missing or has status 404."),
    ("script-throws", "The browser's console shows an exception in the script."),
    (
        "socket-does-not-open",
        "In the network tab, the WebSocket and the page have different hosts or ports.",
    ),
)
# The possible mistakes if the consumer saw no signed-in user, and refused the visitor.
ANONYMOUS = (
    (
        "consumer-refuses",
        "The visitor is signed in on the page, and the WebSocket has the page's host.",
    ),
    ("user-none", "The visitor has no session cookie when the page is loaded."),
)
# The possible mistakes if the handler and the consumer use different names of groups,
# and both names contain a random text.
OF_RANDOM_NAMES = (
    ("session-changes", "A view creates or changes the session when the form is sent."),
    ("key-of-each-process", "The settings create a new `SECRET_KEY` at each start."),
    (
        "group-names-differ",
        "The signs above are absent, but the code builds two different names.",
    ),
)
RANDOM = re.compile(r"[0-9a-z]{32,40}")
OPENS = r"\bnew WebSocket\("
CLOSES = r"\.close\("


def in_consumer(journey: Journey, world: World, quiet: float) -> Halts:
    """Yield a halt if a message was sent to a group, but no frame followed.

    A halt names the stage at which a search stops, and the reason.
    """
    sent = journey.latest("group_send")
    if sent is None:
        return
    got = [
        event
        for event in journey.events
        if event["what"] == "consumer got" and event.get("heard") == sent.get("digest")
    ]
    if missing := [event for event in got if not event["has_method"]]:
        name, kind = missing[0]["consumer"], missing[0]["type"]
        text = f"{name} has no method for the type {kind}."
        yield Halt(6, text, "wrong-type", sent.at)
        return
    if failed := journey.latest("consumer failed", "socket failed"):
        yield _raised(failed)
        return
    if quiet <= PATIENCE:
        return
    if not got:
        yield _unheard(journey, sent, world)
    elif not frames(journey, sent):
        text = f"{got[0]['consumer']} received the message, but sent no frame."
        code, at = Code(world.folder), got[0].at
        if hides := _once(journey, "hides", lambda: silent_except(code, at)):
            text += f" An exception is caught silently at {hides}."
            yield Halt(6, text, "consumer-drops-error", hides)
            return
        if _once(journey, "async", lambda: async_in_sync(code, got[0])):
            text += " It is a synchronous consumer, and its method is `async def`."
            yield Halt(6, text, "async-mismatch", at)
            return
        yield Halt(6, text, "frame-not-sent", at)
    elif not any(world.sockets.was_accepted(one) for one in frames(journey, sent)):
        text = f"{got[0]['consumer']} sent a frame, but never accepted the WebSocket."
        yield Halt(6, text, "never-accepted")


def frames(journey: Journey, sent: Event) -> list[Event]:
    """Return the frames that were sent because of the message to the group."""
    return [
        event
        for event in journey.events
        if event["what"] == "consumer sends"
        and event["type"] == "websocket.send"
        and event["text"]
        and event.get("heard") == sent.get("digest")
    ]


def _once(journey: Journey, key: str, find: Callable[[], Any]) -> Any:
    """Return the result of `find`, which is called only once per search and key."""
    if key not in journey.explained:
        journey.explained[key] = find()
    return journey.explained[key]


def _raised(failed: Event) -> Halt:
    text = f"The consumer raised {said(failed.error)}."
    return Halt(6, text, of_consumer(failed), failed.at, "failed")


def _unheard(journey: Journey, sent: Event, world: World) -> Halt:
    """Return the halt if no consumer received the message."""
    group, sockets = sent["group"], world.sockets
    if sent["layer"] == "InMemoryChannelLayer":
        text = (
            f"The message for {group} never leaves its process: the channel layer is in"
            " memory."
        )
        return Halt(5, text, "layer-in-memory", sent.at)
    if "digest" not in sent:
        text = f"The message for the group {group} is not a dictionary."
        return Halt(5, text, "message-not-a-dictionary", sent.at)
    if group in sockets.groups:
        return _other_layer(journey, sent, world)
    response = journey.latest("response")
    user = response["user"] if response else None
    # The user of a connection attempt is None until the consumer starts.
    tried = [
        one
        for one in sockets.attempts.values()
        if None in (user, one.user) or str(one.user) == str(user)
    ]
    opened = [one for one in tried if one.is_accepted and not one.has_ended]
    nobody = f"The message for the group {group} reached nobody:"
    if not tried:
        return _never_asked(journey, nobody, world)
    if not opened:
        return _not_open(journey, tried[-1], nobody, world)
    return _not_in_group(journey, sent, opened, nobody, world)


def _other_layer(journey: Journey, sent: Event, world: World) -> Halt:
    """Return the halt if the group has sockets, but on another channel layer."""
    text = f"{sent['group']} has sockets, but no consumer received the message."
    code = Code(world.folder)
    if at := _once(journey, "layer", lambda: own_layer(code, sent.at)):
        text += f" Another layer is made at {at}."
        return Halt(6, text, "layer-of-its-own", at)
    return Halt(6, text, "layers-differ")


def _never_asked(journey: Journey, nobody: str, world: World) -> Halt:
    """Return the halt if the visitor has not requested a WebSocket."""
    code = Code(world.folder)
    place = _once(journey, "script", lambda: code.find(OPENS, ".js", ".html"))
    text = f"{nobody} no page of this visitor has asked the project for a WebSocket."
    if not place:
        text += " No script of the project has a line with `new WebSocket(`."
        return Halt(6, text)
    return Halt(6, text, at=place, others=NEVER_ASKED)


def _not_open(journey: Journey, last: Attempt, nobody: str, world: World) -> Halt:
    """Return the halt if `last`, the visitor's last WebSocket, is not open."""
    asked = f"{nobody} the page has asked for a WebSocket at {last.path}, and"
    if last.is_accepted:
        return _has_closed(journey, last, nobody, world)
    if last.is_over_http:
        text = f"{asked} the server has treated the request as plain HTTP."
        is_old = not last.has_daphne and _once(journey, "runserver", _runserver(world))
        return Halt(6, text, "daphne-missing" if is_old else "socket-refused")
    if last.failed and not last.consumer:
        text = f"{asked} the ASGI application raised {said(last.failed.error)}."
        if last.routes:
            text += f" The routes are: {', '.join(last.routes)}."
        return Halt(6, text, of_handshake(last.failed), last.failed.at)
    if last.failed:
        text = f"{asked} {last.consumer} raised {said(last.failed.error)}."
        return Halt(6, text, of_consumer(last.failed), last.failed.at)
    if last.closed and last.consumer == "WebsocketDenier":
        text = f"{asked} the origin check has refused it."
        return Halt(6, text, "origin-refused")
    if last.closed:
        text = f"{asked} {last.consumer} has refused it."
        if not last.has_user:
            text += " The consumer has no user in its scope."
            return Halt(6, text, "socket-without-user", last.closed.at)
        if last.user is None:
            text += " The consumer saw no signed-in user."
            return Halt(6, text, at=last.closed.at, others=ANONYMOUS)
        text += f" It saw the user {last.user}."
        return Halt(6, text, "consumer-refuses", last.closed.at)
    if last.consumer:
        text = f"{asked} {last.consumer} has neither accepted nor refused it."
        return Halt(6, text, "never-accepted")
    return Halt(6, f"{asked} it did not open.", "socket-refused")


def _runserver(world: World) -> Callable[[], Any]:
    """Return a function to find the line that starts Django's own server."""
    return lambda: Code(world.folder).find(r"^\w+:.*\brunserver\b", "")


def _has_closed(journey: Journey, last: Attempt, nobody: str, world: World) -> Halt:
    """Return the halt if the visitor's WebSocket was open, but is closed now."""
    if last.failed:
        text = f"{nobody} {last.consumer} had raised {said(last.failed.error)}."
        return Halt(6, text, of_consumer(last.failed), last.failed.at, "failed")
    if last.closed:
        text = f"{nobody} {last.consumer} had closed the WebSocket of this visitor."
        return Halt(6, text, "socket-ends", last.closed.at)
    code = Code(world.folder)
    closes = _once(journey, "closes", lambda: code.find(CLOSES, ".js", ".html"))
    text = f"{nobody} this visitor's WebSocket was open, and is closed now."
    text += " The page was closed or reloaded"
    text += f", or the script has closed the WebSocket ({closes})." if closes else "."
    if journey.first("saved", "updated"):
        text += " The answer is saved."
    return Halt(6, text, state="undelivered", at=closes)


def _not_in_group(
    journey: Journey, sent: Event, opened: list[Attempt], nobody: str, world: World
) -> Halt:
    """Return the halt if the visitor's WebSockets did not join the message's group."""
    joined = sorted({group for one in opened for group in one.groups})
    if not joined:
        return _in_no_group(journey, opened[-1], nobody, world)
    text = f"{nobody} the open WebSockets have joined {', '.join(joined[:3])}."
    text += f" The message was sent at {sent.at}."
    if "None" in sent["group"]:
        return Halt(6, text, "group-of-nobody", sent.at)
    if any("None" in group for group in joined):
        return Halt(6, text, "socket-without-user")
    others = ()
    if all(RANDOM.search(group) for group in (sent["group"], *joined)):
        others = OF_RANDOM_NAMES
    return Halt(6, text, "" if others else "group-names-differ", others=others)


def _in_no_group(journey: Journey, last: Attempt, nobody: str, world: World) -> Halt:
    """Return the halt if the visitor's open WebSocket joined no group."""
    text = f"{nobody} no WebSocket has joined the group."
    text += f" The WebSocket of {last.consumer} is open."
    code = Code(world.folder)
    calls = _once(journey, "group_add", lambda: code.calls("group_add"))
    for call in calls:
        if _once(journey, f"lost {call.at}", lambda call=call: is_lost(code, call)):
            text += " `group_add` was called, but not awaited."
            return Halt(6, text, "not-awaited", call.at)
        if hides := _once(journey, "hides", lambda at=call.at: silent_except(code, at)):
            text += f" An exception is caught silently at {hides}."
            return Halt(6, text, "consumer-drops-error", hides)
    return Halt(6, text, "no-group-add", calls[0].at if calls else None)
