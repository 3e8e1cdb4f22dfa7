"""Stage 3 · queue: the question becomes a message in Redis. The view does not wait."""

import re
from collections.abc import Iterator

from tutorial.check.scene import Scene, Search
from tutorial.check.stages.commands import SHOWS_QUEUE, command_fails
from tutorial.check.traffic import Message
from tutorial.check.unmet import Unmet
from tutorial.runtime.waiting import wait_for

# The view may take this number of seconds to answer. A view that only calls the task
# takes less, even on a busy machine. A view that waits for slow work takes more.
AT_ONCE = 2.0

# Seconds that the message may take to reach Redis after the view's answer.
ARRIVES = 2.0

EXPECTED = "a message in Redis, and an answer at once"


def look(scene: Scene) -> str:
    """Check that Redis has a message with the question, and that the view is quick."""
    search, seconds = scene.search, scene.search.answer.seconds
    message = scene.message = find_message(scene, search)
    if message is None:
        raise Unmet(
            "message-elsewhere",
            f"no message entered Redis; the view took {seconds:.1f} s to answer",
            expected=EXPECTED,
        )
    if seconds > AT_ONCE:
        seen = f"the view took {seconds:.1f} s to answer"
        raise Unmet("view-waits", seen, expected=EXPECTED)
    look_at_arguments(scene, search, message)
    return (
        f"a message for {message.task} in Redis (database {message.database}, list"
        f" {message.queue}), after {seconds:.3f} s"
    )


def findings(scene: Scene) -> Iterator[Unmet]:
    """Check that the command of the step's page shows the waiting message."""
    if scene.number == 3:
        there = f"; the message is in the list “{scene.message.queue}”"
        yield from command_fails(scene, SHOWS_QUEUE, scene.search.question, there)


def find_message(scene: Scene, search: Search) -> Message | None:
    """Return the message that the search has put into Redis."""
    found = wait_for(lambda: scene.messages_since(search.mark), ARRIVES, scene.pause)
    # The project may also send other messages.
    holds = [message for message in found if message.holds(search.question)]
    return next(iter(holds or found), None)


def look_at_arguments(scene: Scene, search: Search, message: Message) -> None:
    """Check that the message holds the question, or the id of the question's row."""
    if message.arguments is None or message.holds(search.question):
        return
    if None in message.arguments and not scene.is_in_database(search.question):
        raise Unmet(
            "none-in-message",
            f"the message's arguments are {str(message.arguments)[:120]}",
            expected="arguments that have a value when the task is called",
        )
    # If `check` cannot see the row, the next stage shows whether the task found it.
    if re.search(r"\d", str(message.arguments)) and scene.number > 3:
        return
    if scene.is_in_database(search.question):
        return
    raise Unmet(
        "question-not-in-message",
        f"the message's arguments are {str(message.arguments)[:120]}",
        expected=f"an argument: the question “{search.question}” or the id of its row",
    )
