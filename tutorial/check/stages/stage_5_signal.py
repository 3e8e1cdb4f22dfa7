"""Stage 5 · signal: the saved answer is broadcast to its user's group."""

from collections.abc import Iterator

from tutorial.check.scene import DONE, Scene, Search
from tutorial.check.stages.commands import SHOWS_GROUPS, command_fails
from tutorial.check.traffic import Broadcast
from tutorial.check.unmet import Unmet

EXPECTED = "a message that the channel layer publishes for the user's group"


def look(scene: Scene) -> str:
    """Check that Redis gets a message for the user's group when the answer is saved."""
    sent = broadcast_of(scene, scene.search, DONE)
    if sent is None:
        seen = "the answer is saved, but Redis got nothing for a group"
        raise not_broadcast(scene, scene.search, seen)
    if sent.event is not None and not isinstance(sent.event, dict):
        kind = type(sent.event).__name__
        raise Unmet(
            "message-not-a-dictionary",
            f"the message for {sent.group} is of the type {kind}: {sent.event!s:.100}",
            expected='a dictionary with a "type"',
        )
    return sent.words


def beyond(scene: Scene) -> str:
    """Name the groups for which Redis got messages.

    This is used if the flow breaks before this stage.
    """
    sent = scene.broadcasts_since(scene.search.mark) if scene.search else []
    groups = ", ".join(dict.fromkeys(broadcast.group for broadcast in sent))
    return f"Redis got {len(sent)} message(s) for {groups}" if sent else ""


def findings(scene: Scene) -> Iterator[Unmet]:
    """Check that each answer or error is sent once, to the group of its visitor."""
    sent = broadcast_of(scene, scene.search, 0)
    if "None" in sent.group:
        yield Unmet(
            "group-of-nobody",
            f"the message went to the group {sent.group}",
            expected="the group of the user who asked",
        )
    times = len(scene.redis.since(scene.search.mark, sent.command))
    if sent.event is not None and times > 1:
        yield Unmet(
            "broadcast-twice",
            f"the same message went to {sent.group} {times} times",
            expected="one message for one answer",
        )
    if scene.number == 5 and sent.event is not None and "type" not in sent.event:
        yield Unmet(
            "wrong-type",
            f"the message for {sent.group} has no type: {str(sent.event)[:100]}",
            expected="a message with the name of the consumer's method as its type",
            stage=5,
            finding="unsafe",
        )
    if scene.second:
        yield from _second(scene, scene.second, sent)
    if scene.number == 5:
        for unmet in command_fails(scene, SHOWS_GROUPS):
            unmet.stage = 5
            yield unmet


def _second(scene: Scene, search: Search, sent: Broadcast) -> Iterator[Unmet]:
    """Check that the error in the second visitor's search goes only to this visitor."""

    def sent_to(is_same: bool) -> list[Broadcast]:
        found = scene.broadcasts_since(search.mark)
        return [other for other in found if (other.group == sent.group) == is_same]

    if scene.wait(lambda: sent_to(False), DONE, search):
        return
    if [other for other in sent_to(True) if not other.holds(scene.search.question)]:
        yield Unmet(
            "group-shared",
            f"two visitors' answers went to the same group, {sent.group}",
            expected="a separate group for each user",
        )
    else:
        scene.tells_of_failures = False
        yield Unmet(
            "error-not-broadcast",
            "the answer was broadcast, but an error of the API was not",
            expected=EXPECTED,
        )


def broadcast_of(scene: Scene, search: Search, seconds: float) -> Broadcast | None:
    """Return the first group message that the search's answer caused, or None.

    A message that was sent before the API answered does not count.
    """

    def found() -> Broadcast | None:
        request = scene.answered(search.question) or {}
        sent = [
            broadcast
            for broadcast in _sent_for(scene, search)
            if broadcast.time >= request.get("time", 0)
        ]
        holds = [broadcast for broadcast in sent if broadcast.holds(search.question)]
        return next(iter(holds or sent), None)

    return scene.wait(found, seconds, search)


def _sent_for(scene: Scene, search: Search) -> list[Broadcast]:
    """Return the messages that were sent to groups since the search began.

    If a group got the question, return only that group's messages, because the others
    may belong to other searches.
    """
    sent = scene.broadcasts_since(search.mark)
    groups = {one.group for one in sent if one.holds(search.question)}
    return [one for one in sent if not groups or one.group in groups]


def not_broadcast(scene: Scene, search: Search, seen: str) -> Unmet:
    """Return the mistake to report if the answer caused no message to a group."""
    if early := _sent_for(scene, search):
        return Unmet(
            "message-before-answer",
            f"{early[-1].words} before the API had answered, and no message afterwards",
            expected="a message for the user's group when the answer is saved",
            stage=5,
        )
    return Unmet("not-broadcast", seen, expected=EXPECTED, stage=5)
